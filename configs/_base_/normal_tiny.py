# sapiens_tiny on synthetic people, from nothing or the encoder of parts.
_base_ = ['./normal.py', './tiny.py']

input_wh = (384, 512)  # pixels
input_hw = (512, 384)

model = dict(
    data_preprocessor=dict(size=input_hw),
    backbone=dict(arch='sapiens_tiny', img_size=input_hw),
    decode_head=_base_.small_head,
)

steps = _base_.steps
steps.resize.update(scale=input_wh, ratio_range=(0.6, 1.6))
steps.crop.update(crop_size=input_hw)
steps.squeeze.update(scale=input_wh)
steps.squeeze_image.update(scale=input_wh)
train_pipeline = [steps[name] for name in _base_.train_steps]
val_pipeline = [steps[name] for name in _base_.val_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

data = dict(data_root='data/synth_humans/')
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        data_prefix=dict(img_path='images/train/', map_path='normal/train/'),
        pipeline=train_pipeline,
        **data,
    ),
)
val_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='images/val/', map_path='normal/val/'),
        pipeline=val_pipeline,
        **data,
    )
)
test_dataloader = val_dataloader

custom_hooks = [*_base_.custom_hooks, _base_.ema]
