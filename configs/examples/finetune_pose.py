# Keypoints of your own: copy this file, change five settings, train (docs/finetune.md).

# 1. the folder of all files
folder = 'data/mine/'
# 2. annotations, COCO-style, and the folder that their file names start from
train = dict(ann_file='train.json', data_prefix=dict(img='photos/'))
val = dict(ann_file='val.json', data_prefix=dict(img='photos/'))
# 3. keypoints in the order of the files, what trades places in a mirror, lines between
keypoints = ['head', 'left_hand', 'right_hand', 'hip', 'left_foot', 'right_foot']
mirror = [('left_hand', 'right_hand'), ('left_foot', 'right_foot')]
links = [('head', 'hip'), ('hip', 'left_foot'), ('hip', 'right_foot')]
links += [('head', 'left_hand'), ('head', 'right_hand')]
sigmas = [0.05] * len(keypoints)  # spread of annotators, by the size of people: for AP
# 4. how long
epochs = 20
# 5. model and starting weights (None: none). These need no GPU; with one, take
# 'pose/sapiens_0.3b_coco17-1024x768' and 'sapiens_0.3b' (CC-BY-NC)
_base_ = str(__import__('sapiens_mm').config_path('pose/sapiens_tiny_synth308-256x192'))
start = 'sapiens_tiny_synth308'

# ---------------------------------------------------------- the rest follows from them

swap = {name: other for pair in mirror for name, other in (pair, pair[::-1])}
metainfo = dict(
    dataset_name='own',
    keypoint_info={
        k: dict(name=name, id=k, swap=swap.get(name, ''))
        for k, name in enumerate(keypoints)
    },
    skeleton_info={k: dict(link=link, id=k) for k, link in enumerate(links)},
    joint_weights=[1.0] * len(keypoints),
    sigmas=sigmas,
)

model = dict(
    backbone=dict(init_cfg=start and dict(type='Pretrained', checkpoint=start)),
    head=dict(out_channels=len(keypoints)),
    test_cfg=dict(flip_test=bool(mirror)),
)

steps = _base_.steps
steps.flip.update(prob=0.5 if mirror else 0.0)
train_pipeline = [steps[name] for name in _base_.train_steps]
data = dict(type='CocoDataset', data_root=folder, metainfo=metainfo, bbox_file=None)
train_dataloader = dict(
    num_workers=2, dataset=dict(pipeline=train_pipeline, **data, **train)
)
val_dataloader = dict(batch_size=8, num_workers=2, dataset=dict(**data, **val))
test_dataloader = val_dataloader

val_evaluator = dict(
    _delete_=True,
    type='sapiens_mm.SapiensKeypointMetric',
    ann_file=folder + val['ann_file'],
    prefix='keypoints',
)
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
    checkpoint=dict(
        save_best='keypoints/AP',
        rule='greater',
        by_epoch=True,
        interval=1,
        max_keep_ckpts=1,
    ),
    preview=dict(count=8),
)
