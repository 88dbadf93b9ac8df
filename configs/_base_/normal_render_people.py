# RenderPeople's layout: folders rgb, mask and normal in train and in val.
_base_ = ['./normal.py', './schedule_dense.py']

data_root = 'data/render_people/'

train_steps = _base_.train_steps
train_steps.insert(train_steps.index('resize'), 'background')
train_pipeline = [_base_.steps[name] for name in train_steps]

train_dataloader = dict(
    dataset=dict(data_root=data_root + 'train/', pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(data_root=data_root + 'val/'))
test_dataloader = val_dataloader
