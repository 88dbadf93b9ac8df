# CIHP, 20 body parts.
_base_ = './seg_parts20.py'

data_root = 'data/cihp/'
part_table = 'cihp20'  # names, palette and mirror pairs

train_dataloader = dict(
    dataset=dict(
        parts=part_table,
        data_root=data_root,
        data_prefix=dict(
            img_path='Training/Images/', seg_map_path='Training/Category_ids/'
        ),
    )
)
val_dataloader = dict(
    dataset=dict(
        parts=part_table,
        data_root=data_root,
        data_prefix=dict(
            img_path='Validation/Images/', seg_map_path='Validation/Category_ids/'
        ),
    )
)
test_dataloader = val_dataloader

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=400)
