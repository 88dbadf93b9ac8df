_base_ = '../_base_/pose_wholebody133.py'

model = dict(
    backbone=dict(
        arch='sapiens_1b',
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_1b'),
    ),
    head=dict(in_channels=1536),
)
auto_scale_lr = dict(enable=True)  # on for this one model alone, as released
