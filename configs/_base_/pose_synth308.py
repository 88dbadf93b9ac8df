# Synthetic people of sapiens synth, 308 keypoints (docs/synth.md).
_base_ = ['./pose.py', './schedule_pose.py']

data_root = 'data/synth_humans/'
data = dict(type='sapiens_mm.SapiensGoliathDataset', data_root=data_root)

model = dict(head=dict(out_channels=308))

train_dataloader = dict(
    dataset=dict(
        ann_file='annotations/train_308.json',
        data_prefix=dict(img='images/train/'),
        **data,
    )
)
val_dataloader = dict(
    dataset=dict(
        ann_file='annotations/val_308.json', data_prefix=dict(img='images/val/'), **data
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='sapiens_mm.SapiensKeypointMetric',
    ann_file=data_root + 'annotations/val_308.json',
)
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=5e-5))
default_hooks = dict(
    checkpoint=dict(save_best='goliath/AP', by_epoch=False, interval=1000)
)
