# First on half of the pixels (docs/tiny_models.md).
_base_ = ['../_base_/multitask_tiny.py', '../_base_/schedule_muon.py']

input_wh = (144, 192)  # pixels

codec = dict(_base_.codec, input_size=input_wh, heatmap_size=(18, 24), sigma=1.25)

model = dict(
    backbone=dict(img_size=(192, 144)),  # (H, W)
    head=dict(pose=dict(decoder=codec)),
)

# bolder images: it has learnt what is usual
steps = _base_.steps
steps.crop.update(input_size=input_wh)
steps.crop_maps.update(input_size=input_wh)
steps.fast_target.update(encoder=codec)
train_steps = ['load', 'maps', 'box', 'flip', 'bold_jitter', 'crop_maps']
train_steps += ['mild_colour', 'blur', 'grey', 'fast_target', 'pack_all']
train_pipeline = [steps[name] for name in train_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

people = dict(_base_.train_dataloader.dataset, pipeline=train_pipeline)
roots = ('data/synth_humans/', 'data/synth_small/', 'data/synth_active/')
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[dict(people, data_root=root) for root in roots],
    ),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

optim_wrapper = dict(optimizer=dict(lr=2e-4))
train_cfg = dict(max_epochs=_base_.epochs)
