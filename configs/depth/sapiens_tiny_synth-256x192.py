# A quarter of the pixels: what two processor cores train.
_base_ = '../_base_/depth_tiny.py'

input_wh = (192, 256)  # pixels
input_hw = (256, 192)

model = dict(
    data_preprocessor=dict(size=input_hw),
    backbone=dict(img_size=input_hw),
)

test_pipeline = _base_.test_pipeline
test_pipeline[1].update(scale=input_wh)
val_pipeline = _base_.val_pipeline
val_pipeline[1].update(scale=input_wh)
train_pipeline = _base_.train_pipeline
# mild: a short training learns what is usual
train_pipeline[2].update(scale=input_wh, ratio_range=(0.85, 1.3))
train_pipeline[3].update(crop_size=input_hw)
train_pipeline[4].update(scale=input_wh)
train_pipeline[5].update(prob=0.3, degree=20.0)

# small batches: there are few steps
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader

epochs = 5
train_cfg = dict(max_epochs=epochs, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=3e-4, fused=True))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=100)
param_scheduler[1].update(T_max=epochs, end=epochs)
