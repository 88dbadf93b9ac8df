_base_ = '../_base_/pose_coco17.py'

model = dict(
    backbone=dict(
        arch='sapiens_0.6b',
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.6b'),
    ),
    head=dict(in_channels=1280),
)
