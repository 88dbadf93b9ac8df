# Body-part segmentation.
_base_ = './dense.py'

input_wh = (768, 1024)  # pixels
input_hw = (1024, 768)

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

steps = dict(
    load=dict(type='sapiens_mm.SapiensLoadImage'),
    labels=dict(type='sapiens_mm.SapiensLoadLabels'),
    labels_or_none=dict(type='sapiens_mm.SapiensLoadLabels', allow_empty=True),
    # folder=None draws backgrounds; or images without people, below a folder
    background=dict(type='sapiens_mm.SapiensRandomBackground', prob=0.8, folder=None),
    # long side to long side: the target is turned as the image is
    resize=dict(
        type='RandomResize', scale=input_wh, ratio_range=(0.2, 2.0), keep_ratio=True
    ),
    crop=dict(type='RandomCrop', crop_size=input_hw, cat_max_ratio=0.75),
    squeeze=dict(type='Resize', scale=input_wh, keep_ratio=False),
    rotate=dict(type='RandomRotate', prob=0.5, degree=45.0, pad_val=0, seg_pad_val=0),
    flip=dict(type='RandomFlip', prob=0.5, swap_seg_labels=None),  # set by each base
    colour=dict(type='PhotoMetricDistortion'),
    pack=dict(type='PackSegInputs'),
)
train_steps = ['load', 'labels', 'resize', 'crop', 'squeeze', 'rotate', 'flip']
train_steps += ['colour', 'pack']
val_steps = ['load', 'squeeze', 'labels_or_none', 'pack']  # labels are not resized
test_steps = ['load', 'squeeze', 'pack']
train_pipeline = [steps[name] for name in train_steps]
val_pipeline = [steps[name] for name in val_steps]
test_pipeline = [steps[name] for name in test_steps]

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
