_base_ = '../_base_/seg_goliath28.py'

model = dict(
    backbone=dict(
        arch='sapiens_2b',
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_2b'),
    ),
    decode_head=dict(in_channels=1920),
)
