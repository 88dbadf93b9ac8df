# Depth of your own: copy this file, change five settings, train (docs/finetune.md).

# 1. the folder of all files
folder = 'data/mine/'
# 2. images, masks of people and maps of equal names; without masks leave mask_path out
train = dict(
    img_path='photos/train/', mask_path='masks/train/', map_path='depth/train/'
)
val = dict(img_path='photos/val/', mask_path='masks/val/', map_path='depth/val/')
# 3. how depth is stored: here 16-bit PNG of millimetres; for NPY or EXR of metres
# map_scale=1.0. 0 is no depth, unless it is relative, 0 near to 1 far: near_is_zero
stored = dict(map_scale=0.001, depth_unit='m', near_is_zero=False)
# 4. how long
epochs = 20
# 5. model and starting weights (None: none). These need no GPU; with one, take
# 'depth/sapiens_0.3b_synth-1024x768' and 'sapiens_0.3b' (CC-BY-NC)
_base_ = str(__import__('sapiens_mm').config_path('depth/sapiens_tiny_synth-256x192'))
start = 'sapiens_tiny_synth_depth'

# ---------------------------------------------------------- the rest follows from them

# the head too, where the file has one
model = dict(
    init_cfg=start and dict(type='Pretrained', checkpoint=start),
    backbone=dict(init_cfg=None),
)
data = dict(data_root=folder, **stored)

train_dataloader = dict(num_workers=2, dataset=dict(data_prefix=train, **data))
val_dataloader = dict(
    batch_size=4, num_workers=2, dataset=dict(data_prefix=val, **data)
)
test_dataloader = val_dataloader

# scale and shift fitted to each image; rmse is in the unit of yours
val_evaluator = dict(protocol='david')
test_evaluator = val_evaluator

# a few steps of warm-up: 20 images are three steps an epoch
train_cfg = dict(max_epochs=epochs, val_interval=max(1, epochs // 10))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=20, start_factor=0.001, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        T_max=epochs,
        begin=0,
        end=epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
optim_wrapper = dict(
    optimizer=dict(lr=2e-4),
    paramwise_cfg=dict(head_lr_mult=5.0),  # it is new
)
default_hooks = dict(
    checkpoint=dict(interval=1, max_keep_ckpts=1),  # and the best by depth/rmse
    preview=dict(count=8),
)
