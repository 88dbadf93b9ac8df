# RenderPeople's layout: folders rgb, mask and normal in train and in val.
_base_ = './normal.py'

data_root = 'data/render_people/'

train_pipeline = _base_.train_pipeline
train_pipeline.insert(
    2,  # folder=None draws backgrounds; or photos without people, below a folder
    dict(
        type='sapiens_mm.SapiensRandomBackground',
        prob=0.5,
        folder=None,
        mask_key='gt_mask',
    ),
)

train_dataloader = dict(
    dataset=dict(data_root=data_root + 'train/', pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(data_root=data_root + 'val/'))
test_dataloader = val_dataloader
