# All tasks trained further, on several data sets (docs/tiny_models.md).
_base_ = '../_base_/multitask_tiny.py'

# bolder pictures: it has learnt what is usual
train_pipeline = _base_.train_pipeline
train_pipeline[4].update(
    shift_factor=0.15, scale_factor=(0.75, 1.3), rotate_factor=30.0, rotate_prob=0.5
)
train_pipeline.insert(8, dict(type='RandomGrayscale', prob=0.1, keep_channels=True))

datasets = [
    dict(_base_.train_dataloader.dataset, data_root=data_root, pipeline=train_pipeline)
    for data_root in ('data/synth_humans/', 'data/synth_small/', 'data/synth_active/')
]
train_dataloader = dict(
    batch_size=32,
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=datasets),
)

optim_wrapper = dict(optimizer=dict(lr=2e-4))
