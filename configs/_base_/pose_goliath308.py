# Goliath, 308 keypoints; the files are described in docs/goliath308_format.md.
_base_ = ['./pose.py', './schedule_pose.py']

data_root = 'data/goliath/'

model = dict(head=dict(out_channels=308))

train_dataloader = dict(
    dataset=dict(
        type='sapiens_mm.SapiensGoliathDataset',
        data_root=data_root,
        ann_file='annotations/train.json',
        data_prefix=dict(img='train/'),
    )
)
val_dataloader = dict(
    dataset=dict(
        type='sapiens_mm.SapiensGoliathDataset',
        data_root=data_root,
        ann_file='annotations/val.json',
        data_prefix=dict(img='val/'),
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='sapiens_mm.SapiensKeypointMetric',
    ann_file=data_root + 'annotations/val.json',
)
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=5e-5))
default_hooks = dict(
    checkpoint=dict(save_best='goliath/AP', by_epoch=False, interval=1000)
)
