# The small detector trained further, on several data sets (docs/tiny_models.md).
_base_ = './rtmdet_tiny_synth_person-320x320.py'

train_pipeline = _base_.train_pipeline
train_pipeline.insert(6, dict(type='RandomGrayscale', prob=0.1, keep_channels=True))
train_pipeline.insert(7, dict(type='sapiens_mm.SapiensRandomBlur', prob=0.1))

datasets = [
    dict(_base_.train_dataloader.dataset, data_root=data_root, pipeline=train_pipeline)
    for data_root in ('data/synth_humans/', 'data/synth_small/', 'data/synth_active/')
]
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=datasets)
)
