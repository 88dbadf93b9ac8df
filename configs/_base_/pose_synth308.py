# Synthetic people of sapiens synth, 308 keypoints (docs/synth.md).
_base_ = './pose_goliath308.py'

data_root = 'data/synth_humans/'

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/train_308.json',
        data_prefix=dict(img='images/train/'),
    )
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/val_308.json',
        data_prefix=dict(img='images/val/'),
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(ann_file=data_root + 'annotations/val_308.json')
test_evaluator = val_evaluator
