# sapiens_tiny on synthetic people, from nothing or the encoder of parts.
_base_ = './depth_synth.py'

input_wh = (384, 512)  # pixels
input_hw = (512, 384)

model = dict(
    data_preprocessor=dict(size=input_hw),
    backbone=dict(arch='sapiens_tiny', img_size=input_hw),
    decode_head=dict(
        in_channels=192,
        channels=48,
        deconv_out_channels=(64, 48),
        deconv_kernel_sizes=(4, 4),
        conv_out_channels=(48,),
        conv_kernel_sizes=(1,),
        dropout_ratio=0.0,
        loss_decode=[
            dict(type='sapiens_mm.SapiensSiLogLoss', loss_weight=0.5),
            dict(type='sapiens_mm.SapiensDepthL1Loss', loss_weight=3.0),
        ],
        # from the middle: the SiLog loss gives negative depth no gradient
        init_cfg=dict(
            type='Normal', std=0.01, bias=0.5, override=dict(name='conv_seg')
        ),
    ),
)

test_pipeline = _base_.test_pipeline
test_pipeline[1].update(scale=input_wh)
val_pipeline = _base_.val_pipeline
val_pipeline[1].update(scale=input_wh)
train_pipeline = _base_.train_pipeline
train_pipeline[2].update(scale=input_wh, ratio_range=(0.6, 1.6))
train_pipeline[3].update(crop_size=input_hw)
train_pipeline[4].update(scale=input_wh)
train_pipeline[5].update(degree=30.0)

train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=100, val_interval=10)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=200, start_factor=0.001, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        T_max=100,
        begin=0,
        end=100,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
optim_wrapper = dict(
    optimizer=dict(lr=1e-3, weight_decay=0.05),
    paramwise_cfg=dict(layer_decay_rate=1.0),
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.0005, gamma=10),
]
