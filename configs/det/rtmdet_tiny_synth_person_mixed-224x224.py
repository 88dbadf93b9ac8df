# First on half of the pixels (docs/tiny_models.md).
_base_ = '../_base_/det_tiny_mixed.py'

input_wh = (224, 224)  # pixels

steps = _base_.steps
steps.mosaic.update(img_scale=input_wh)
steps.resize.update(scale=input_wh)
steps.crop.update(crop_size=input_wh)
steps.pad.update(size=input_wh)
steps.fit.update(scale=input_wh)
train_pipeline = [steps[name] for name in _base_.train_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

datasets = [
    dict(dataset, pipeline=train_pipeline)
    for dataset in _base_.train_dataloader.dataset.datasets
]
train_dataloader = dict(dataset=dict(datasets=datasets))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
