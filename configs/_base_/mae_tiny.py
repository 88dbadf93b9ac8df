# Masked-autoencoder pretraining of sapiens_tiny on synthetic people, 256 x 256.
_base_ = './mae_humans.py'

input_wh = (256, 256)  # pixels; the host's decoder takes squares only

model = dict(
    backbone=dict(arch='sapiens_tiny', img_size=input_wh),
    neck=dict(
        num_patches=256,
        embed_dim=192,
        decoder_embed_dim=128,
        decoder_depth=2,
        decoder_num_heads=4,
    ),
)

steps = _base_.steps
steps.squeeze.update(scale=input_wh)
steps.crop = dict(
    type='RandomResizedCrop',
    scale=input_wh,
    crop_ratio_range=(0.2, 1.0),
    interpolation='bicubic',
)
steps.flip = dict(type='RandomFlip', prob=0.5)
train_steps = ['load', 'crop', 'flip', 'pack']
train_pipeline = [steps[name] for name in train_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='CustomDataset',
        data_root='data/synth_humans/',
        data_prefix='images/train',
        with_label=False,
        pipeline=train_pipeline,
    ),
)

epochs = 50
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=200, start_factor=0.001, by_epoch=False),
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
    type='sapiens_mm.SapiensOptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.95), weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=1.0, norm_type=2),
)
default_hooks = dict(
    checkpoint=dict(interval=1, max_keep_ckpts=1), logger=dict(interval=50)
)
randomness = dict(seed=0)
