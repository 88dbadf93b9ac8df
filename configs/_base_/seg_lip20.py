# LIP, 20 body parts; these models pad the patches by 2.
_base_ = ['./seg.py', './parts20.py', './schedule_dense.py']

data = dict(parts='lip20', data_root='data/lip/')
part_table = 'lip20'  # names, palette and mirror pairs

model = dict(
    backbone=dict(patch_cfg=dict(padding=2)),
    decode_head=_base_.part_head,
)

steps = _base_.steps
steps.resize.update(ratio_range=(0.75, 1.25))
steps.rotate.update(seg_pad_val=255)
steps.flip.update(swap_seg_labels=_base_.mirrored)
train_pipeline = [steps[name] for name in _base_.train_steps]

train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(
            img_path='images/train_images/',
            seg_map_path='segmentations/train_segmentations/',
        ),
        pipeline=train_pipeline,
        **data,
    )
)
val_dataloader = dict(
    dataset=dict(
        data_prefix=dict(
            img_path='images/val_images/',
            seg_map_path='segmentations/val_segmentations/',
        ),
        **data,
    )
)
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=400)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=400, start_factor=0.001, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=400, T_max=400, by_epoch=True),
]
