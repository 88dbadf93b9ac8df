# The small detector trained further, on several data sets (docs/tiny_models.md).
_base_ = './det_tiny_short.py'

train_steps = ['load', 'boxes', 'mosaic', 'resize', 'crop', 'colour', 'grey', 'blur']
train_steps += ['flip', 'pad', 'pack']
train_pipeline = [_base_.steps[name] for name in train_steps]

people = dict(_base_.train_dataloader.dataset, pipeline=train_pipeline)
roots = ('data/synth_humans/', 'data/synth_small/', 'data/synth_active/')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[dict(people, data_root=root) for root in roots],
    )
)
