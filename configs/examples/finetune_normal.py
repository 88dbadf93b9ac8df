# Normals of your own: copy this file, change five settings, train (docs/finetune.md).

# 1. the folder of all files
folder = 'data/mine/'
# 2. images, masks of people and maps of equal names; without masks leave mask_path out
train = dict(
    img_path='photos/train/', mask_path='masks/train/', map_path='normal/train/'
)
val = dict(img_path='photos/val/', mask_path='masks/val/', map_path='normal/val/')
# 3. what the channels of the maps are: 'xyz' is x right, y up, z towards the camera;
# or 'opencv', 'directx', 'zyx', 'x -y z' and so on. Wrong ones are refused
stored = dict(axes='xyz')
# 4. how long
epochs = 20
# 5. model and starting weights (None: none). These need no GPU; with one, take
# 'normal/sapiens_0.3b_synth-1024x768' and 'sapiens_0.3b' (CC-BY-NC)
_base_ = str(__import__('sapiens_mm').config_path('normal/sapiens_tiny_synth-256x192'))
start = 'sapiens_tiny_synth_normal'

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
    checkpoint=dict(interval=1, max_keep_ckpts=1),  # and the best by normal/mean
    preview=dict(count=8),
)
