# The small pose model trained further, on several data sets (docs/tiny_models.md).
_base_ = './pose_tiny.py'

steps = _base_.steps
train_steps = ['load', 'box', 'flip', 'bold_jitter', 'crop', 'mild_colour', 'grey']
train_steps += ['blur', 'median_blur', 'fast_target', 'enough', 'pack']
train_pipeline = [steps[name] for name in train_steps]

people = dict(
    _base_.train_dataloader.dataset,
    group_weights=dict(body=5.0, foot=5.0, extra=5.0),  # the body outweighs the face
    pipeline=train_pipeline,
)
roots = ('data/synth_humans/', 'data/synth_small/', 'data/synth_active/')
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[dict(people, data_root=root) for root in roots],
    ),
)
