_base_ = '../_base_/pose_coco17.py'

model = dict(
    backbone=dict(
        arch='sapiens_1b',
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_1b'),
    ),
    head=dict(in_channels=1536),
)
