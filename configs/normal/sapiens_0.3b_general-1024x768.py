_base_ = '../_base_/normal_general.py'

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    )
)
