# What depth and normals share: the estimator, and pictures with their maps.
_base_ = './dense.py'

input_wh = _base_.input_wh

model = dict(
    type='sapiens_mm.SapiensMapEstimator',
    data_preprocessor=dict(
        type='sapiens_mm.SapiensMapPreprocessor',
        map_pad_val=None,  # set by each task
    ),
)

train_pipeline = [
    dict(type='sapiens_mm.SapiensLoadImage'),
    dict(type='sapiens_mm.SapiensLoadMap'),
    # long side to long side: the target is turned as the photo is
    dict(
        type='RandomResize',
        scale=input_wh,
        ratio_range=(0.2, 2.0),
        keep_ratio=True,
        resize_type='sapiens_mm.SapiensMapResize',
    ),
    dict(type='RandomCrop', crop_size=input_wh[::-1]),  # (H, W)
    dict(type='sapiens_mm.SapiensMapResize', scale=input_wh, keep_ratio=False),
    dict(type='sapiens_mm.SapiensRandomMapFlip', prob=0.5),
    dict(type='sapiens_mm.SapiensMapTarget'),
    dict(type='PhotoMetricDistortion'),
    dict(type='sapiens_mm.SapiensPackMap'),
]
val_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='sapiens_mm.SapiensLoadMap'),  # not resized
    dict(type='sapiens_mm.SapiensPackMap'),
]

train_dataloader = dict(
    dataset=dict(type='sapiens_mm.SapiensMapDataset', pipeline=train_pipeline)
)
val_dataloader = dict(
    dataset=dict(type='sapiens_mm.SapiensMapDataset', pipeline=val_pipeline)
)
test_dataloader = val_dataloader

custom_hooks = [*_base_.custom_hooks, dict(type='sapiens_mm.SapiensSkippedHook')]
