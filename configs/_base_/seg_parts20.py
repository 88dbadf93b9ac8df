# The 20 body parts that LIP and CIHP share; their models pad the patches by 2.
_base_ = './seg.py'

model = dict(
    backbone=dict(patch_cfg=dict(padding=2)),
    decode_head=dict(
        num_classes=20,
        loss_decode=dict(
            class_weight=[
                *(0.1, 1.5, 1, 1.5, 1.5, 0.8, 1.2, 1, 1.5, 0.8),
                *(1.2, 1.5, 1.5, 0.7, 1, 1, 1, 1, 1.5, 1.5),
            ],
        ),
    ),
)

train_pipeline = _base_.train_pipeline
train_pipeline[2].update(ratio_range=(0.75, 1.25))
train_pipeline[-4].update(seg_pad_val=255)
train_pipeline[-3].update(swap_seg_labels=[(14, 15), (16, 17), (18, 19)])

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
train_cfg = dict(max_epochs=400)
