# The 20 body parts that LIP and CIHP share; their models pad the patches by 2.
_base_ = './seg.py'

model = dict(
    backbone=dict(patch_cfg=dict(padding=2)),
    decode_head=dict(
        num_classes=20,
        loss_decode=dict(
            class_weight=[
                0.1,
                1.5,
                1,
                1.5,
                1.5,
                0.8,
                1.2,
                1,
                1.5,
                0.8,
                1.2,
                1.5,
                1.5,
                0.7,
                1,
                1,
                1,
                1,
                1.5,
                1.5,
            ],
        ),
    ),
)
