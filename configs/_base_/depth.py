# Relative depth, near 0 and far 1.
_base_ = ['./dense.py', './maps.py']

model = dict(
    type='sapiens_mm.SapiensMapEstimator',
    data_preprocessor=dict(type='sapiens_mm.SapiensMapPreprocessor', map_pad_val=-1),
    decode_head=dict(
        type='sapiens_mm.SapiensDepthHead',
        in_channels=1024,
        loss_decode=dict(type='sapiens_mm.SapiensSiLogLoss'),
    ),
)

train_steps = ['load', 'map', 'resize', 'crop', 'squeeze', 'rotate', 'flip', 'target']
train_steps += ['colour', 'pack']
train_pipeline = [_base_.steps[name] for name in train_steps]

train_dataloader = dict(
    dataset=dict(
        type='sapiens_mm.SapiensMapDataset', kind='depth', pipeline=train_pipeline
    )
)
val_dataloader = dict(
    dataset=dict(
        type='sapiens_mm.SapiensMapDataset', kind='depth', pipeline=_base_.val_pipeline
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(type='sapiens_mm.SapiensDepthMetric', protocol='sapiens')
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='depth/rmse', rule='less'))
