# What the pose models of 17, 133 and 308 keypoints share.
_base_ = ['mmpose::_base_/default_runtime.py']

input_wh = (768, 1024)  # pixels

codec = dict(
    type='UDPHeatmap',
    input_size=input_wh,  # (W, H)
    heatmap_size=(192, 256),  # (W, H), a quarter of the input
    sigma=6.0,  # heatmap pixels
)

model = dict(
    type='TopdownPoseEstimator',
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
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='TopdownAffine', input_size=input_wh, use_udp=True),
    dict(type='PackPoseInputs'),
]
