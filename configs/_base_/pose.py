# What the pose models of 17, 133 and 308 keypoints share.
_base_ = 'mmpose::_base_/default_runtime.py'

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

steps = dict(
    load=dict(type='sapiens_mm.SapiensLoadImage'),
    box=dict(type='GetBBoxCenterScale', padding=1.25),
    flip=dict(type='RandomFlip', direction='horizontal', prob=0.5),
    half_body=dict(
        type='RandomHalfBody',
        min_total_keypoints=9,
        min_upper_keypoints=2,
        min_lower_keypoints=3,
        padding=1.5,
        prob=0.3,
        upper_prioritized_prob=0.7,
    ),
    jitter=dict(
        type='RandomBBoxTransform',
        shift_factor=0.16,
        shift_prob=0.3,
        scale_factor=(0.5, 1.5),
        scale_prob=1.0,
        rotate_factor=80.0,  # degrees
        rotate_prob=0.6,
    ),
    crop=dict(type='TopdownAffine', input_size=input_wh, use_udp=True),
    colour=dict(type='PhotometricDistortion'),
    blur=dict(type='sapiens_mm.SapiensRandomBlur', prob=0.1),
    median_blur=dict(type='sapiens_mm.SapiensRandomMedianBlur', prob=0.1),
    dropout=dict(type='sapiens_mm.SapiensCoarseDropout', size=(0.2, 0.4), prob=1.0),
    target=dict(type='GenerateTarget', encoder=codec),
    enough=dict(type='sapiens_mm.SapiensMinKeypoints'),  # a quarter, at most 8
    pack=dict(type='PackPoseInputs'),
)
train_steps = ['load', 'box', 'flip', 'half_body', 'jitter', 'crop', 'colour', 'blur']
train_steps += ['median_blur', 'dropout', 'target', 'enough', 'pack']
test_steps = ['load', 'box', 'crop', 'pack']
train_pipeline = [steps[name] for name in train_steps]
test_pipeline = [steps[name] for name in test_steps]

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

train_cfg = dict(by_epoch=True, max_epochs=210, val_interval=1)
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
randomness = dict(seed=0)
