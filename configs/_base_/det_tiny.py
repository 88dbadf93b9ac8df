# RTMDet-tiny on synthetic people, from nothing (docs/model_zoo.md).
_base_ = ['mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py']

data_root = 'data/synth_humans/'
classes = dict(classes=('person',))
input_wh = (640, 640)  # pixels

model = dict(
    backbone=dict(init_cfg=None),
    bbox_head=dict(num_classes=1),
    test_cfg=dict(
        nms_pre=1000,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type='nms', iou_threshold=0.6),
        max_per_img=100,
    ),
)

steps = dict(
    load=dict(type='sapiens_mm.SapiensLoadImage'),
    boxes=dict(type='LoadAnnotations', with_bbox=True),
    mosaic=dict(
        type='CachedMosaic',
        img_scale=input_wh,
        pad_val=114.0,
        max_cached_images=20,
        random_pop=False,
        prob=0.5,
    ),
    resize=dict(
        type='RandomResize', scale=input_wh, ratio_range=(0.4, 1.6), keep_ratio=True
    ),
    crop=dict(type='RandomCrop', crop_size=input_wh),
    colour=dict(type='PhotoMetricDistortion'),
    grey=dict(type='RandomGrayscale', prob=0.1, keep_channels=True),
    blur=dict(type='sapiens_mm.SapiensRandomBlur', prob=0.1),
    flip=dict(type='RandomFlip', prob=0.5),
    pad=dict(type='Pad', size=input_wh, pad_val=dict(img=(114, 114, 114))),
    pack=dict(type='PackDetInputs'),
    # of one size in tests
    fit=dict(type='Resize', scale=input_wh, keep_ratio=True),
    pack_test=dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
)
train_steps = ['load', 'boxes', 'mosaic', 'resize', 'crop', 'colour', 'flip', 'pad']
train_steps += ['pack']
test_steps = ['load', 'fit', 'pad', 'boxes', 'pack_test']
train_pipeline = [steps[name] for name in train_steps]
test_pipeline = [steps[name] for name in test_steps]

train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    dataset=dict(
        data_root=data_root,
        metainfo=classes,
        ann_file='annotations/train_17.json',
        data_prefix=dict(img='images/train/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    dataset=dict(
        data_root=data_root,
        metainfo=classes,
        ann_file='annotations/val_17.json',
        data_prefix=dict(img='images/val/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/val_17.json')
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=60, val_interval=10, dynamic_intervals=None)
warmup = dict(type='LinearLR', begin=0, end=300, start_factor=0.001, by_epoch=False)
cosine = dict(
    type='CosineAnnealingLR',
    T_max=60,
    begin=0,
    end=60,
    eta_min=2e-5,
    by_epoch=True,
    convert_to_iter_based=True,
)
param_scheduler = [warmup, cosine]
optim_wrapper = dict(type='sapiens_mm.SapiensOptimWrapper', optimizer=dict(lr=2e-3))
default_hooks = dict(checkpoint=dict(interval=1, save_best='coco/bbox_mAP'))
custom_hooks = [
    dict(type='sapiens_mm.SapiensChannelsLastHook'),
    dict(
        type='EMAHook',
        ema_type='ExpMomentumEMA',
        momentum=0.0005,
        update_buffers=True,
        priority=49,
    ),
]
randomness = dict(seed=0)
