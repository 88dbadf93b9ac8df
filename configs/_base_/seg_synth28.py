# Synthetic people of sapiens synth, 28 parts (docs/synth.md).
_base_ = ['./seg.py', './parts28.py', './schedule_dense.py']

data = dict(parts='goliath28', data_root='data/synth_humans/')
part_table = 'goliath28'  # names, palette and mirror pairs

model = dict(decode_head=_base_.part_head)

# no swap of backgrounds: people are lit by theirs
steps = _base_.steps
steps.flip.update(swap_seg_labels=_base_.mirrored)
train_pipeline = [steps[name] for name in _base_.train_steps]

train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='images/train/', seg_map_path='labels/train/'),
        pipeline=train_pipeline,
        **data,
    )
)
val_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='images/val/', seg_map_path='labels/val/'), **data
    )
)
test_dataloader = val_dataloader
