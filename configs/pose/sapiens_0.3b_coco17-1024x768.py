_base_ = '../_base_/pose_coco17.py'

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    ),
)
