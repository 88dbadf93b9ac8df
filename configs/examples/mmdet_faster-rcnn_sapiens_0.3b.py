# For users of mmdet: a stock Faster R-CNN on a Sapiens encoder, in the way of ViTDet.
# The lines below are all that differs; paste them into a config of yours, and run
# mmdet's own script with it: python -m sapiens_mm sapiens train THIS_FILE
_base_ = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='sapiens_mm.SapiensViT',
        arch='sapiens_0.3b',
        img_size=(1024, 1024),  # (H, W); the position table fits itself to others
        patch_cfg=dict(padding=0),  # as the encoders were pretrained
        drop_path_rate=0.1,
        with_cp=True,  # half the memory for a third more time
        # downloaded when training begins; CC-BY-NC. None trains from scratch
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    ),
    neck=dict(
        _delete_=True,
        type='sapiens_mm.SapiensSimplePyramid',
        in_channels=1024,  # 1280, 1536, 1920 for the larger encoders
        out_channels=256,
        num_outs=5,  # strides 4 to 64, as the heads expect
    ),
)

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.1),
    clip_grad=dict(max_norm=1.0),
)
