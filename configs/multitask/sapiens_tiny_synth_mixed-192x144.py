# First on half of the pixels (docs/tiny_models.md).
_base_ = './sapiens_tiny_synth_mixed-256x192.py'

input_wh = (144, 192)  # pixels

codec = dict(
    type='UDPHeatmap',
    input_size=input_wh,  # (W, H)
    heatmap_size=(18, 24),  # (W, H), an eighth of the input
    sigma=1.25,  # heatmap pixels
)

model = dict(
    backbone=dict(img_size=(192, 144)),  # (H, W)
    head=dict(pose=dict(decoder=codec)),
)

test_pipeline = _base_.test_pipeline
test_pipeline[2].update(input_size=input_wh)
train_pipeline = _base_.train_pipeline
train_pipeline[5].update(input_size=input_wh)
train_pipeline[9].update(encoder=codec)

datasets = [
    dict(dataset, pipeline=train_pipeline)
    for dataset in _base_.train_dataloader.dataset.datasets
]
train_dataloader = dict(dataset=dict(datasets=datasets))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
