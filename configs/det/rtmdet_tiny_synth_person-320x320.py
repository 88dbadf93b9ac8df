# A quarter of the pixels: what two processor cores train in an hour.
_base_ = '../_base_/det_tiny.py'

input_wh = (320, 320)  # pixels

train_pipeline = _base_.train_pipeline
train_pipeline[2].update(img_scale=input_wh)
train_pipeline[3].update(scale=input_wh)
train_pipeline[4].update(crop_size=input_wh)
train_pipeline[7].update(size=input_wh)
test_pipeline = _base_.test_pipeline
test_pipeline[1].update(scale=input_wh)
test_pipeline[2].update(size=input_wh)

train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

epochs = 5
train_cfg = dict(max_epochs=epochs, val_interval=1)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=epochs, end=epochs)
