# What the pose models of 17, 133 and 308 keypoints share.
_base_ = ['mmpose::_base_/default_runtime.py', './schedule.py']

input_wh = (768, 1024)  # pixels

codec = dict(
    type='UDPHeatmap',
    input_size=input_wh,  # (W, H)
    heatmap_size=(192, 256),  # (W, H), a quarter of the input
    sigma=6.0,  # heatmap pixels
)

model = dict(
    type='sapiens_mm.SapiensTopdownEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],  # RGB
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='sapiens_mm.SapiensViT',
        arch='sapiens_0.3b',
        img_size=(1024, 768),  # (H, W)
        patch_cfg=dict(padding=2),
    ),
    head=dict(
        type='sapiens_mm.SapiensHeatmapHead',
        in_channels=1024,
        out_channels=None,  # number of keypoints, set by each dataset's base
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder=codec,
    ),
    test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=False),
)

test_pipeline = [
    dict(type='sapiens_mm.SapiensLoadImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='TopdownAffine', input_size=input_wh, use_udp=True),
    dict(type='PackPoseInputs'),
]

train_pipeline = [
    dict(type='sapiens_mm.SapiensLoadImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='RandomFlip', direction='horizontal', prob=0.5),
    dict(
        type='RandomHalfBody',
        min_total_keypoints=9,
        min_upper_keypoints=2,
        min_lower_keypoints=3,
        padding=1.5,
        prob=0.3,
        upper_prioritized_prob=0.7,
    ),
    dict(
        type='RandomBBoxTransform',
        shift_factor=0.16,
        shift_prob=0.3,
        scale_factor=(0.5, 1.5),
        scale_prob=1.0,
        rotate_factor=80.0,  # degrees
        rotate_prob=0.6,
    ),
    dict(type='TopdownAffine', input_size=input_wh, use_udp=True),
    dict(type='PhotometricDistortion'),
    dict(type='sapiens_mm.SapiensRandomBlur', prob=0.1),
    dict(type='sapiens_mm.SapiensRandomMedianBlur', prob=0.1),
    dict(type='sapiens_mm.SapiensCoarseDropout', size=(0.2, 0.4), prob=1.0),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='sapiens_mm.SapiensMinKeypoints'),  # a quarter of them, at most 8
    dict(type='PackPoseInputs'),
]

train_dataloader = dict(
    batch_size=4,  # a GPU
    num_workers=4,
    persistent_workers=False,  # SapiensEpochSeedHook seeds them each epoch
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(data_mode='topdown', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(data_mode='topdown', test_mode=True, pipeline=test_pipeline),
)
test_dataloader = val_dataloader

# epochs, and learning rate by epoch after the warm-up of schedule.py
train_cfg = dict(by_epoch=True, max_epochs=210, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(
        type='MultiStepLR',
        begin=0,
        end=210,
        milestones=[170, 200],
        gamma=0.1,
        by_epoch=True,
    ),
]
auto_scale_lr = dict(base_batch_size=512, enable=False)
default_hooks = dict(
    checkpoint=dict(interval=10, max_keep_ckpts=3, rule='greater'),
    preview=dict(type='sapiens_mm.SapiensPreviewHook', count=0),  # samples
)
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='sapiens_mm.SapiensEpochSeedHook'),
    dict(type='sapiens_mm.SapiensAnnotationCheckHook'),
]
