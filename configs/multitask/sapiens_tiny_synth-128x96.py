# First on a quarter of the pixels, four times as quick (docs/tiny_models.md).
_base_ = ['../_base_/multitask_tiny.py', '../_base_/schedule_muon.py']

input_wh = (96, 128)  # pixels

codec = dict(_base_.codec, input_size=input_wh, heatmap_size=(12, 16), sigma=1.0)

model = dict(
    backbone=dict(img_size=(128, 96)),  # (H, W)
    head=dict(pose=dict(decoder=codec)),
)

steps = _base_.steps
steps.crop.update(input_size=input_wh)
steps.crop_maps.update(input_size=input_wh)
steps.fast_target.update(encoder=codec)
train_pipeline = [steps[name] for name in _base_.train_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=_base_.epochs)
