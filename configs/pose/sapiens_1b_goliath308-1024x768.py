_base_ = '../_base_/pose_goliath308.py'

model = dict(
    backbone=dict(
        arch='sapiens_1b',
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_1b'),
    ),
    head=dict(
        in_channels=1536,
        loss=dict(type='KeypointOHKMMSELoss', use_target_weight=True, topk=128),
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=0.95))
