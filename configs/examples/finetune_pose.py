# Keypoints of your own: copy this file, change the five facts, train. docs/finetune.md
folder = 'data/mine/'  # 1. photos in it, and COCO-style files of keypoints and boxes
train = dict(ann_file='train.json', data_prefix=dict(img='photos/'))  # 2.
val = dict(ann_file='val.json', data_prefix=dict(img='photos/'))
keypoints = ['head', 'left_hand', 'right_hand', 'hip', 'left_foot', 'right_foot']  # 3.
mirror = [('left_hand', 'right_hand'), ('left_foot', 'right_foot')]
links = [('head', 'hip'), ('left_hand', 'head'), ('right_hand', 'head')]
links += [('hip', 'left_foot'), ('hip', 'right_foot')]
sigmas = [0.05] * len(keypoints)
epochs = 20  # 4.
start = 'sapiens_tiny_synth308'  # 5. weights, and below the config that they fit
_base_ = str(
    __import__('sapiens_mm').config_path('pose/sapiens_tiny_synth308-256x192')
)

# ------------------------------------------------- nothing to change from here on
swap = {name: other for pair in mirror for name, other in (pair, pair[::-1])}
metainfo = dict(
    dataset_name='own',
    keypoint_info={
        number: dict(name=name, id=number, swap=swap.get(name, ''))
        for number, name in enumerate(keypoints)
    },
    skeleton_info={number: dict(link=link, id=number) for number, link in enumerate(links)},
    joint_weights=[1.0] * len(keypoints),
    sigmas=sigmas,
)
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=start) if start else None),
    head=dict(out_channels=len(keypoints)),
    test_cfg=dict(flip_test=bool(mirror)),
)
least = max(1, min(8, len(keypoints) // 4))
changes = {
    'RandomFlip': dict(prob=0.5 if mirror else 0.0),
    'sapiens_mm.SapiensMinKeypoints': dict(min_keypoints=least),
}
train_pipeline = [dict(step, **changes.get(step['type'], {})) for step in _base_.train_pipeline]

data = dict(type='CocoDataset', data_root=folder, metainfo=metainfo)
train_dataloader = dict(
    batch_size=8, num_workers=2, dataset=dict(pipeline=train_pipeline, **data, **train)
)
val_dataloader = dict(batch_size=16, num_workers=2, dataset=dict(bbox_file=None, **data, **val))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='CocoMetric', ann_file=folder + val['ann_file'])
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=epochs, val_interval=max(1, epochs // 10))
default_hooks = dict(
    checkpoint=dict(
        save_best='coco/AP', by_epoch=True, interval=1, max_keep_ckpts=1, rule='greater'
    )
)
