_base_ = '../_base_/depth_render_people.py'

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    )
)
