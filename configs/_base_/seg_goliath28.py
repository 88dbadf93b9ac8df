# Goliath, 28 body parts; folders of photos and of label pictures (docs/seg.md).
_base_ = './seg.py'

data_root = 'data/goliath/'
part_table = 'goliath28'  # names, palette and mirror pairs

model = dict(
    decode_head=dict(
        num_classes=28,
        loss_decode=dict(
            class_weight=[
                *(0.1, 10, 3, 2, 4, 4, 2, 2, 6, 10, 3, 3, 1),
                *(4, 4, 2, 2, 6, 10, 3, 3, 1, 1, 10, 10, 10, 10, 10),
            ],
        ),
    ),
)

train_pipeline = _base_.train_pipeline
train_pipeline[-3].update(
    swap_seg_labels=[(left, left + 9) for left in range(4, 12)],
)
train_pipeline.insert(
    2,  # folder=None draws backgrounds; or photos without people, below a folder
    dict(type='sapiens_mm.SapiensRandomBackground', prob=0.8, folder=None),
)

train_dataloader = dict(
    dataset=dict(
        parts=part_table,
        data_root=data_root,
        data_prefix=dict(img_path='train/', seg_map_path='train_parts/'),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        parts=part_table,
        data_root=data_root,
        data_prefix=dict(img_path='val/', seg_map_path='val_parts/'),
    )
)
test_dataloader = val_dataloader
