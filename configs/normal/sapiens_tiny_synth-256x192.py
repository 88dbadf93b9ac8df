# A quarter of the pixels: what two processor cores train.
_base_ = ['../_base_/normal_tiny.py', '../_base_/schedule_tiny.py']

input_wh = (192, 256)  # pixels
input_hw = (256, 192)

model = dict(
    data_preprocessor=dict(size=input_hw),
    backbone=dict(img_size=input_hw),
)

steps = _base_.steps
# mild: a short training learns what is usual
steps.resize.update(scale=input_wh, ratio_range=(0.85, 1.3))
steps.crop.update(crop_size=input_hw)
steps.squeeze.update(scale=input_wh)
steps.squeeze_image.update(scale=input_wh)
train_pipeline = [steps[name] for name in _base_.train_steps]
val_pipeline = [steps[name] for name in _base_.val_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

# small batches: there are few steps
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=_base_.epochs)
optim_wrapper = dict(optimizer=dict(fused=True))
