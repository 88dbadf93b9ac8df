# All tasks trained further, on several data sets (docs/tiny_models.md).
_base_ = ['../_base_/multitask_tiny.py', '../_base_/schedule_muon.py']

# bolder images: it has learnt what is usual
steps = _base_.steps
train_steps = ['load', 'maps', 'box', 'flip', 'bold_jitter', 'crop_maps']
train_steps += ['mild_colour', 'blur', 'grey', 'fast_target', 'pack_all']
train_pipeline = [steps[name] for name in train_steps]

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

optim_wrapper = dict(optimizer=dict(lr=2e-4))
train_cfg = dict(max_epochs=_base_.epochs)
