# Surface normals: x right, y up, z towards the camera. These models pad patches by 2.
_base_ = ['./dense.py', './maps.py']

model = dict(
    type='sapiens_mm.SapiensMapEstimator',
    data_preprocessor=dict(type='sapiens_mm.SapiensMapPreprocessor', map_pad_val=-1000),
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

steps = _base_.steps
# nearest turns normals by 0.3 degrees, linear by 0.02 in the mean
steps.resize.update(map_interpolation='linear')
steps.squeeze.update(map_interpolation='linear')
train_steps = ['load', 'map', 'resize', 'crop', 'squeeze', 'flip', 'target', 'colour']
train_steps += ['pack']
train_pipeline = [steps[name] for name in train_steps]

train_dataloader = dict(
    dataset=dict(
        type='sapiens_mm.SapiensMapDataset', kind='normal', pipeline=train_pipeline
    )
)
val_dataloader = dict(
    dataset=dict(
        type='sapiens_mm.SapiensMapDataset', kind='normal', pipeline=_base_.val_pipeline
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(type='sapiens_mm.SapiensNormalMetric')
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='normal/mean', rule='less'))
