# sapiens_tiny on synthetic people, 28 parts, from nothing (docs/model_zoo.md).
_base_ = ['./seg.py', './parts28.py', './tiny.py']

input_wh = (384, 512)  # pixels
input_hw = (512, 384)
data = dict(parts='goliath28', data_root='data/synth_humans/')
part_table = 'goliath28'  # names, palette and mirror pairs

part_head = _base_.part_head
model = dict(
    data_preprocessor=dict(size=input_hw),
    backbone=dict(arch='sapiens_tiny', img_size=input_hw),
    decode_head=dict(
        num_classes=part_head.num_classes,
        # milder than the official ones, which a short training does not outgrow:
        # the background costs too little
        loss_decode=dict(
            class_weight=[w**0.5 for w in part_head.loss_decode.class_weight]
        ),
        **_base_.small_head,
    ),
)

steps = _base_.steps
steps.resize.update(scale=input_wh, ratio_range=(0.6, 1.6))
steps.crop.update(crop_size=input_hw, cat_max_ratio=1.0)
steps.squeeze.update(scale=input_wh)
steps.rotate.update(degree=30.0)
steps.flip.update(swap_seg_labels=_base_.mirrored)
train_pipeline = [steps[name] for name in _base_.train_steps]
val_pipeline = [steps[name] for name in _base_.val_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        data_prefix=dict(img_path='images/train/', seg_map_path='labels/train/'),
        pipeline=train_pipeline,
        **data,
    ),
)
val_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='images/val/', seg_map_path='labels/val/'),
        pipeline=val_pipeline,
        **data,
    )
)
test_dataloader = val_dataloader

custom_hooks = [*_base_.custom_hooks, _base_.ema]
