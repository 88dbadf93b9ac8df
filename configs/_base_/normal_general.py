# Folders images, masks and normals in train and in val; backgrounds stay.
_base_ = ['./normal.py', './schedule_dense.py']

data_root = 'data/people/'
data_prefix = dict(img_path='images', mask_path='masks', map_path='normals')

train_dataloader = dict(
    dataset=dict(data_root=data_root + 'train/', data_prefix=data_prefix)
)
val_dataloader = dict(
    dataset=dict(data_root=data_root + 'val/', data_prefix=data_prefix)
)
test_dataloader = val_dataloader
