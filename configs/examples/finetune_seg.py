# Classes of your own: copy this file, change five settings, train (docs/finetune.md).

# 1. the folder of all files
folder = 'data/mine/'
# 2. images, and label images of their names: one channel, class ids, 255 unlabelled
train = dict(img_path='photos/train/', seg_map_path='labels/train/')
val = dict(img_path='photos/val/', seg_map_path='labels/val/')
# 3. classes by id, the first is the background; what trades places in a mirror
classes = ['background', 'skin', 'clothes', 'left_shoe', 'right_shoe']
mirror = [('left_shoe', 'right_shoe')]
# 4. how long
epochs = 20
# 5. model and starting weights (None: none). These need no GPU; with one, take
# 'seg/sapiens_0.3b_synth28-1024x768' and 'sapiens_0.3b' (CC-BY-NC)
_base_ = str(__import__('sapiens_mm').config_path('seg/sapiens_tiny_synth28-256x192'))
start = 'sapiens_tiny_synth28'

# ---------------------------------------------------------- the rest follows from them

part_table = None  # of the models with 28 classes
model = dict(
    backbone=dict(init_cfg=start and dict(type='Pretrained', checkpoint=start)),
    decode_head=dict(num_classes=len(classes), loss_decode=dict(class_weight=None)),
)

pairs = [(classes.index(left), classes.index(right)) for left, right in mirror]
steps = _base_.steps
steps.flip.update(swap_seg_labels=pairs)
train_pipeline = [steps[name] for name in _base_.train_steps]
metainfo = dict(classes=classes, mirror_pairs=mirror)  # and palette: RGB, or generated
data = dict(parts=None, metainfo=metainfo, data_root=folder)
train_dataloader = dict(
    num_workers=2, dataset=dict(pipeline=train_pipeline, data_prefix=train, **data)
)
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
    checkpoint=dict(interval=1, max_keep_ckpts=1),  # and the best by mIoU
    preview=dict(count=8),
)
