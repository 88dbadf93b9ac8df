# LIP, 20 body parts.
_base_ = './seg_parts20.py'

data_root = 'data/lip/'
part_table = 'lip20'  # names, palette and mirror pairs

train_dataloader = dict(
    dataset=dict(
        parts=part_table,
        data_root=data_root,
        data_prefix=dict(
            img_path='images/train_images/',
            seg_map_path='segmentations/train_segmentations/',
        ),
    )
)
val_dataloader = dict(
    dataset=dict(
        parts=part_table,
        data_root=data_root,
        data_prefix=dict(
            img_path='images/val_images/',
            seg_map_path='segmentations/val_segmentations/',
        ),
    )
)
test_dataloader = val_dataloader

param_scheduler = [
    dict(type='LinearLR', begin=0, end=400, start_factor=0.001, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=400, T_max=400, by_epoch=True),
]
