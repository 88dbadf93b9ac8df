_base_ = '../_base_/pose_synth133.py'

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b_epoch_1600'),
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=0.75))
