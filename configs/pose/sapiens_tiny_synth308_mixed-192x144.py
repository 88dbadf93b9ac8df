# First on half of the pixels (docs/tiny_models.md).
_base_ = ['../_base_/pose_tiny_mixed.py', '../_base_/schedule_muon.py']

input_wh = (144, 192)  # pixels

codec = dict(_base_.codec, input_size=input_wh, heatmap_size=(18, 24), sigma=1.25)

model = dict(
    backbone=dict(img_size=(192, 144)),  # (H, W)
    head=dict(decoder=codec),
)

steps = _base_.steps
steps.crop.update(input_size=input_wh)
steps.fast_target.update(encoder=codec)
train_pipeline = [steps[name] for name in _base_.train_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

datasets = [
    dict(dataset, pipeline=train_pipeline)
    for dataset in _base_.train_dataloader.dataset.datasets
]
train_dataloader = dict(dataset=dict(datasets=datasets))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

optim_wrapper = dict(optimizer=dict(lr=2e-4))
train_cfg = dict(max_epochs=_base_.epochs)
