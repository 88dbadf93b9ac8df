# A quarter of the pixels: what two processor cores train in an hour.
_base_ = './det_tiny.py'

input_wh = (320, 320)  # pixels

steps = _base_.steps
steps.mosaic.update(img_scale=input_wh)
steps.resize.update(scale=input_wh)
steps.crop.update(crop_size=input_wh)
steps.pad.update(size=input_wh)
steps.fit.update(scale=input_wh)
train_pipeline = [steps[name] for name in _base_.train_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

epochs = 5
train_cfg = dict(max_epochs=epochs, val_interval=1)
param_scheduler = [_base_.warmup, dict(_base_.cosine, T_max=epochs, end=epochs)]
