# First on a quarter of the pixels, four times as quick (docs/tiny_models.md).
_base_ = '../_base_/multitask_tiny.py'

input_wh = (96, 128)  # pixels

codec = dict(
    type='UDPHeatmap',
    input_size=input_wh,  # (W, H)
    heatmap_size=(12, 16),  # (W, H), an eighth of the input
    sigma=1.0,  # heatmap pixels
)

model = dict(
    backbone=dict(img_size=(128, 96)),  # (H, W)
    head=dict(pose=dict(decoder=codec)),
)

test_pipeline = _base_.test_pipeline
test_pipeline[2].update(input_size=input_wh)
train_pipeline = _base_.train_pipeline
train_pipeline[5].update(input_size=input_wh)
train_pipeline[8].update(encoder=codec)

train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
