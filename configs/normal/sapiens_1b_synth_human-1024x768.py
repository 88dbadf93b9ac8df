_base_ = '../_base_/normal_synth_human.py'

model = dict(
    backbone=dict(
        arch='sapiens_1b',
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_1b'),
    ),
    decode_head=dict(in_channels=1536),
)
