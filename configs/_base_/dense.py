# What the segmentation, depth and normal models share: input and runtime.
_base_ = ['mmseg::_base_/default_runtime.py']

input_wh = (768, 1024)  # pixels

model = dict(
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],  # RGB
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=(1024, 768),  # (H, W)
        pad_val=0,
        seg_pad_val=255,
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

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=input_wh, keep_ratio=False),
    dict(type='PackSegInputs'),
]
