# For users of mmpretrain: its fine-tuning of a MAE-pretrained ViT-L on ImageNet, with a
# Sapiens encoder in its place. The map of the last block is averaged by a neck.
# The lines below are all that differs; paste them into a config of yours, and run
# mmpretrain's own script with it: python -m sapiens_mm sapiens train THIS_FILE
_base_ = 'mmpretrain::mae/benchmarks/vit-large-p16_8xb128-coslr-50e_in1k.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='sapiens_mm.SapiensViT',
        arch='sapiens_0.3b',
        img_size=(224, 224),  # (H, W); the position table fits itself to others
        patch_cfg=dict(padding=0),  # as the encoders were pretrained
        drop_path_rate=0.2,
        # downloaded when training begins; CC-BY-NC. None trains from scratch
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    ),
    # of (B, D, H / 16, W / 16) makes (B, D); _delete_, as the config above has None
    neck=dict(_delete_=True, type='GlobalAveragePooling'),
    head=dict(in_channels=1024),  # 1280, 1536, 1920 for the larger encoders
)

# the host's layer decay asks its own encoders for the depth of each parameter
optim_wrapper = dict(
    constructor='sapiens_mm.SapiensLayerDecayConstructor',
    paramwise_cfg=dict(_delete_=True, layer_decay_rate=0.75),
)
