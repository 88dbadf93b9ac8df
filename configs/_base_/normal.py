# Surface normals: x right, y up, z towards the camera. These models pad patches by 2.
_base_ = './maps.py'

model = dict(
    data_preprocessor=dict(map_pad_val=-1000),
    backbone=dict(patch_cfg=dict(padding=2)),
    decode_head=dict(
        type='sapiens_mm.SapiensNormalHead',
        in_channels=1024,
        loss_decode=[
            dict(type='sapiens_mm.SapiensNormalCosineLoss'),
            dict(type='sapiens_mm.SapiensNormalL1Loss'),
        ],
    ),
)

train_pipeline = _base_.train_pipeline
# nearest turns normals by 0.3 degrees, linear by 0.02 in the mean
train_pipeline[2].update(map_interpolation='linear')
train_pipeline[4].update(map_interpolation='linear')

train_dataloader = dict(dataset=dict(kind='normal', pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(kind='normal'))
test_dataloader = val_dataloader

val_evaluator = dict(type='sapiens_mm.SapiensNormalMetric')
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='normal/mean', rule='less'))
