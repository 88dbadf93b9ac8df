_base_ = '../_base_/depth_render_people.py'

model = dict(
    backbone=dict(
        arch='sapiens_1b',
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_1b'),
    ),
    decode_head=dict(in_channels=1536),
)
