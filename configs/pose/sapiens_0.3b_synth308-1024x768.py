_base_ = '../_base_/pose_synth308.py'

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    ),
    head=dict(
        loss=dict(type='KeypointOHKMMSELoss', use_target_weight=True, topk=128),
    ),
)
