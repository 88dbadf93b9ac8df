# Synthetic people of sapiens synth, 17 keypoints (docs/synth.md).
_base_ = '../_base_/pose_coco17.py'

data_root = 'data/synth_humans/'

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    ),
)

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/train_17.json',
        data_prefix=dict(img='images/train/'),
    )
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/val_17.json',
        bbox_file=None,
        data_prefix=dict(img='images/val/'),
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(ann_file=data_root + 'annotations/val_17.json')
test_evaluator = val_evaluator
