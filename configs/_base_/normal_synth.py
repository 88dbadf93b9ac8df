# Synthetic people of sapiens synth (docs/synth.md).
_base_ = ['./normal.py', './schedule_dense.py']

data_root = 'data/synth_humans/'

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img_path='images/train/', map_path='normal/train/'),
    )
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img_path='images/val/', map_path='normal/val/'),
    )
)
test_dataloader = val_dataloader
