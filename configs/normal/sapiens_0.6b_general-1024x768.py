_base_ = '../_base_/normal_general.py'

model = dict(
    backbone=dict(
        arch='sapiens_0.6b',
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.6b'),
    ),
    decode_head=dict(in_channels=1280),
)
