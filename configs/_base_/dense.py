# What the segmentation, depth and normal models share: input, loaders and runtime.
_base_ = 'mmseg::_base_/default_runtime.py'

model = dict(
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],  # RGB
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=(1024, 768),  # (H, W)
        pad_val=0,
    ),
    backbone=dict(
        type='sapiens_mm.SapiensViT',
        arch='sapiens_0.3b',
        img_size=(1024, 768),  # (H, W)
        patch_cfg=dict(padding=0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)

train_dataloader = dict(
    batch_size=2,  # a GPU
    num_workers=4,
    persistent_workers=False,  # SapiensEpochSeedHook seeds them each epoch
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=4,  # results are brought to the size of the image, all classes of it
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(test_mode=True),
)
test_dataloader = val_dataloader

train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=16, enable=False)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook', draw=False),
    preview=dict(type='sapiens_mm.SapiensPreviewHook', count=0),  # samples
)
custom_hooks = [
    dict(type='sapiens_mm.SapiensEpochSeedHook'),
    dict(type='sapiens_mm.SapiensSkippedHook'),
]
randomness = dict(seed=0)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True, num_digits=6)
