# sapiens_tiny on synthetic people, from nothing or the encoder of parts.
_base_ = ['./depth.py', './tiny.py']

input_wh = (384, 512)  # pixels
input_hw = (512, 384)

model = dict(
    data_preprocessor=dict(size=input_hw),
    backbone=dict(arch='sapiens_tiny', img_size=input_hw),
    decode_head=dict(
        loss_decode=[
            dict(type='sapiens_mm.SapiensSiLogLoss', loss_weight=0.5),
            dict(type='sapiens_mm.SapiensDepthL1Loss', loss_weight=3.0),
        ],
        # from the middle: the SiLog loss gives negative depth no gradient
        init_cfg=dict(
            type='Normal', std=0.01, bias=0.5, override=dict(name='conv_seg')
        ),
        **_base_.small_head,
    ),
)

steps = _base_.steps
steps.resize.update(scale=input_wh, ratio_range=(0.6, 1.6))
steps.crop.update(crop_size=input_hw)
steps.squeeze.update(scale=input_wh)
steps.squeeze_image.update(scale=input_wh)
steps.rotate.update(degree=30.0)
train_pipeline = [steps[name] for name in _base_.train_steps]
val_pipeline = [steps[name] for name in _base_.val_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

data = dict(data_root='data/synth_humans/', map_scale=0.0005, depth_unit='m')
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        data_prefix=dict(img_path='images/train/', map_path='depth/train/'),
        pipeline=train_pipeline,
        **data,
    ),
)
val_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='images/val/', map_path='depth/val/'),
        pipeline=val_pipeline,
        **data,
    )
)
test_dataloader = val_dataloader

custom_hooks = [*_base_.custom_hooks, _base_.ema]
