# Synthetic people of sapiens synth (docs/synth.md).
_base_ = ['./depth.py', './schedule_dense.py']

synth = dict(
    data_root='data/synth_humans/',
    map_scale=0.0005,  # --depth-mm of the tool, in metres
    depth_unit='m',
)

train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='images/train/', map_path='depth/train/'), **synth
    )
)
val_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='images/val/', map_path='depth/val/'), **synth
    )
)
test_dataloader = val_dataloader
