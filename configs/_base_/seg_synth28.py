# Synthetic people of sapiens synth, 28 parts (docs/synth.md).
_base_ = './seg_goliath28.py'

data_root = 'data/synth_humans/'

train_pipeline = _base_.train_pipeline
train_pipeline.pop(2)  # the swap of backgrounds: people are lit by theirs

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img_path='images/train/', seg_map_path='labels/train/'),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img_path='images/val/', seg_map_path='labels/val/'),
    )
)
test_dataloader = val_dataloader
