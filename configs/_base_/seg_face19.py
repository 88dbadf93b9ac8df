# FaceSynthetics, 19 face parts: no class weights, and no validation.
_base_ = ['./seg.py', './schedule_dense.py']

part_table = 'face19'  # names, palette and mirror pairs
layout = dict(  # 000007_seg.png beside 000007.png
    parts=part_table, img_suffix='.png', label_ending='_seg'
)

model = dict(decode_head=dict(num_classes=19))

steps = _base_.steps
steps.flip.update(swap_seg_labels=[(3, 4), (5, 6), (7, 8)])
train_pipeline = [steps[name] for name in _base_.train_steps]

train_dataloader = dict(
    dataset=dict(data_root='data/face_synthetics/', pipeline=train_pipeline, **layout)
)
val_dataloader = None
val_cfg = None
val_evaluator = None
# the data set has no test part: put images aside, and train on the rest
test_dataloader = dict(dataset=dict(data_root='data/face_synthetics_test/', **layout))
default_hooks = dict(checkpoint=dict(save_best=None))
