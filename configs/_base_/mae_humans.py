# Masked-autoencoder pretraining, and features from its encoders.
_base_ = ['mmpretrain::_base_/default_runtime.py']

model = dict(
    type='MAE',
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor',
        mean=[123.675, 116.28, 103.53],  # RGB
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(
        type='sapiens_mm.SapiensMaskedViT',
        arch='sapiens_0.3b',
        img_size=(1024, 1024),  # (H, W)
        patch_cfg=dict(padding=0),
        mask_ratio=0.75,
    ),
    neck=dict(
        type='MAEPretrainDecoder',
        num_patches=4096,
        patch_size=16,
        embed_dim=1024,
        decoder_embed_dim=512,
        decoder_depth=8,
        decoder_num_heads=16,
        mlp_ratio=4,
    ),
    head=dict(
        type='MAEPretrainHead',
        norm_pix=True,
        patch_size=16,
        loss=dict(type='PixelReconstructionLoss', criterion='L2'),
    ),
)

steps = dict(
    load=dict(type='sapiens_mm.SapiensLoadImage'),
    squeeze=dict(
        type='Resize',
        scale=(1024, 1024),  # (W, H)
        interpolation='bicubic',
        backend='pillow',
    ),
    pack=dict(type='PackInputs'),
)
test_steps = ['load', 'squeeze', 'pack']
test_pipeline = [steps[name] for name in test_steps]
