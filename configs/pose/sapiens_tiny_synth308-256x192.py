# A quarter of the pixels: what two processor cores train.
_base_ = '../_base_/pose_tiny_short.py'

input_wh = (192, 256)  # pixels

codec = dict(
    type='UDPHeatmap',
    input_size=input_wh,  # (W, H)
    heatmap_size=(24, 32),  # (W, H), an eighth of the input: quicker
    sigma=1.5,  # heatmap pixels
)

model = dict(
    backbone=dict(img_size=(256, 192)),  # (H, W)
    head=dict(deconv_out_channels=(64,), deconv_kernel_sizes=(4,), decoder=codec),
)

test_pipeline = _base_.test_pipeline
test_pipeline[2].update(input_size=input_wh)
train_pipeline = _base_.train_pipeline
train_pipeline[4].update(input_size=input_wh)
train_pipeline[8].update(encoder=codec)

# small batches: there are few steps
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

epochs = 5
train_cfg = dict(max_epochs=epochs, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=3e-4, fused=True))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=100)
param_scheduler[1].update(T_max=epochs, end=epochs)
