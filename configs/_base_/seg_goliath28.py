# Goliath, 28 body parts; folders of images and of label images (docs/seg.md).
_base_ = ['./seg.py', './parts28.py', './schedule_dense.py']

data = dict(parts='goliath28', data_root='data/goliath/')
part_table = 'goliath28'  # names, palette and mirror pairs

model = dict(decode_head=_base_.part_head)

steps = _base_.steps
steps.flip.update(swap_seg_labels=_base_.mirrored)
train_steps = _base_.train_steps
train_steps.insert(train_steps.index('resize'), 'background')
train_pipeline = [steps[name] for name in train_steps]

train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='train/', seg_map_path='train_parts/'),
        pipeline=train_pipeline,
        **data,
    )
)
val_dataloader = dict(
    dataset=dict(data_prefix=dict(img_path='val/', seg_map_path='val_parts/'), **data)
)
test_dataloader = val_dataloader
