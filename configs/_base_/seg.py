# Body-part segmentation.
_base_ = './dense.py'

input_wh = _base_.input_wh

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(seg_pad_val=255),
    decode_head=dict(
        type='sapiens_mm.SapiensSegHead',
        in_channels=1024,
        num_classes=None,  # set by each dataset's base
        ignore_index=255,
        # the mean over all pixels, ignored ones counted as zeros; 'weights' would
        # divide by the sum of the class weights
        loss_decode=dict(type='sapiens_mm.SapiensPartLoss', normalize_by='pixels'),
    ),
)

train_pipeline = [
    dict(type='sapiens_mm.SapiensLoadImage'),
    dict(type='sapiens_mm.SapiensLoadLabels'),
    # long side to long side: the target is turned as the photo is
    dict(type='RandomResize', scale=input_wh, ratio_range=(0.2, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=input_wh[::-1], cat_max_ratio=0.75),  # (H, W)
    dict(type='Resize', scale=input_wh, keep_ratio=False),
    dict(type='RandomRotate', prob=0.5, degree=45.0, pad_val=0, seg_pad_val=0),
    dict(type='RandomFlip', prob=0.5, swap_seg_labels=None),  # set by each base
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
val_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='sapiens_mm.SapiensLoadLabels', allow_empty=True),  # not resized
    dict(type='PackSegInputs'),
]

train_dataloader = dict(
    dataset=dict(type='sapiens_mm.SapiensPartDataset', pipeline=train_pipeline)
)
val_dataloader = dict(
    dataset=dict(type='sapiens_mm.SapiensPartDataset', pipeline=val_pipeline)
)
test_dataloader = val_dataloader

val_evaluator = dict(type='sapiens_mm.SapiensPartMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
custom_hooks = [*_base_.custom_hooks, dict(type='sapiens_mm.SapiensSkippedHook')]
