_base_ = '../_base_/pose_wholebody133.py'

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=0.75))
