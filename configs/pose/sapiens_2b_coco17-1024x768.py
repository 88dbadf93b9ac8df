_base_ = '../_base_/pose_coco17.py'

model = dict(
    backbone=dict(
        arch='sapiens_2b',
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_2b'),
    ),
    head=dict(in_channels=1920),
)
