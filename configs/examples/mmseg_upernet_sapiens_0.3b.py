# For users of mmseg: a stock UPerNet on a Sapiens encoder with a simple pyramid.
# The lines below are all that differs; paste them into a config of yours, and run
# mmseg's own script with it: python -m sapiens_mm sapiens train THIS_FILE
_base_ = [
    'mmseg::_base_/models/upernet_r50.py',
    'mmseg::_base_/datasets/ade20k.py',
    'mmseg::_base_/default_runtime.py',
    'mmseg::_base_/schedules/schedule_80k.py',
]

norm_cfg = dict(type='BN', requires_grad=True)  # SyncBN where several GPUs train
model = dict(
    data_preprocessor=dict(size=(512, 512)),  # (H, W) of the crops
    pretrained=None,  # the host's way of loading; ours is init_cfg below
    backbone=dict(
        _delete_=True,
        type='sapiens_mm.SapiensViT',
        arch='sapiens_0.3b',
        img_size=(512, 512),  # (H, W); the position table fits itself to others
        patch_cfg=dict(padding=0),  # as the encoders were pretrained
        drop_path_rate=0.1,
        # downloaded when training begins; CC-BY-NC. None trains from scratch
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    ),
    neck=dict(
        type='sapiens_mm.SapiensSimplePyramid',
        in_channels=1024,  # 1280, 1536, 1920 for the larger encoders
        out_channels=256,
    ),
    decode_head=dict(in_channels=[256] * 4, num_classes=150, norm_cfg=norm_cfg),
    auxiliary_head=dict(in_channels=256, num_classes=150, norm_cfg=norm_cfg),
)

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-5, weight_decay=0.01),
    clip_grad=dict(max_norm=1.0),
)
