# sapiens_tiny on synthetic people, 308 keypoints, from nothing (docs/model_zoo.md).
_base_ = './pose_synth308.py'

input_wh = (384, 512)  # pixels

codec = dict(
    type='UDPHeatmap',
    input_size=input_wh,  # (W, H)
    heatmap_size=(96, 128),  # (W, H), a quarter of the input
    sigma=3.0,  # heatmap pixels
)

model = dict(
    backbone=dict(arch='sapiens_tiny', img_size=(512, 384)),  # (H, W)
    head=dict(
        in_channels=192,
        deconv_out_channels=(64, 64),
        conv_out_channels=(64,),
        conv_kernel_sizes=(1,),
        decoder=codec,
    ),
)

test_pipeline = _base_.test_pipeline
test_pipeline[2].update(input_size=input_wh)
train_pipeline = _base_.train_pipeline
train_pipeline[4].update(rotate_factor=45.0, scale_factor=(0.7, 1.35))
train_pipeline[5].update(input_size=input_wh)
train_pipeline[9].update(prob=0.5)  # the rectangle of black
train_pipeline[10].update(encoder=codec)

train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=100, val_interval=10)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        T_max=100,
        begin=0,
        end=100,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
# all layers alike: none was trained before
optim_wrapper = dict(
    optimizer=dict(lr=1e-3, weight_decay=0.05),
    paramwise_cfg=dict(layer_decay_rate=1.0),
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.0005, gamma=10),
]
