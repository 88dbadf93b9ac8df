# First on half of the pixels (docs/tiny_models.md).
_base_ = './rtmdet_tiny_synth_person_mixed-320x320.py'

input_wh = (224, 224)  # pixels

train_pipeline = _base_.train_pipeline
train_pipeline[2].update(img_scale=input_wh)
train_pipeline[3].update(scale=input_wh)
train_pipeline[4].update(crop_size=input_wh)
train_pipeline[9].update(size=input_wh)
test_pipeline = _base_.test_pipeline
test_pipeline[1].update(scale=input_wh)
test_pipeline[2].update(size=input_wh)

datasets = [
    dict(dataset, pipeline=train_pipeline)
    for dataset in _base_.train_dataloader.dataset.datasets
]
train_dataloader = dict(dataset=dict(datasets=datasets))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
