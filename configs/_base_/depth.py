# Relative depth, near 0 and far 1.
_base_ = './maps.py'

model = dict(
    data_preprocessor=dict(map_pad_val=-1),
    decode_head=dict(
        type='sapiens_mm.SapiensDepthHead',
        in_channels=1024,
        loss_decode=dict(type='sapiens_mm.SapiensSiLogLoss'),
    ),
)

train_pipeline = _base_.train_pipeline
train_pipeline.insert(
    5, dict(type='sapiens_mm.SapiensRandomMapRotate', prob=0.5, degree=60.0)
)

train_dataloader = dict(dataset=dict(kind='depth', pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(kind='depth'))
test_dataloader = val_dataloader

val_evaluator = dict(type='sapiens_mm.SapiensDepthMetric', protocol='sapiens')
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='depth/rmse', rule='less'))
