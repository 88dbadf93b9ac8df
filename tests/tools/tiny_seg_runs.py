"""Tiny training runs on part labels."""

import sys
from pathlib import Path

from mmengine.config import Config

import sapiens_mm

sys.path.insert(0, str(Path(__file__).parents[1] / 'seg'))


def seg_config(
    root,
    name='goliath28',
    input_hw=(128, 96),
    width=64,
    depth=2,
    epochs=10,
    batch_size=4,
    lr=2e-3,
    augment=False,
    workers=0,
):
    """Shrink a shipped config to a run on files below ``root``."""
    cfg = Config.fromfile(sapiens_mm.config_path(f'seg/sapiens_0.3b_{name}-1024x768'))
    model = cfg.model
    model.data_preprocessor.size = input_hw
    model.backbone.update(
        arch=dict(
            embed_dims=width,
            num_layers=depth,
            num_heads=width // 32,
            feedforward_channels=4 * width,
        ),
        img_size=input_hw,
        init_cfg=None,
    )
    model.decode_head.update(
        in_channels=width,
        channels=width,
        deconv_out_channels=(width,) * 3,
        conv_out_channels=(width,) * 3,
    )
    sizes = dict(scale=input_hw[::-1], crop_size=input_hw)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        if loader is None:
            continue
        data = loader.dataset
        data.data_root = str(root)
        for step in data.pipeline:
            step.update({key: sizes[key] for key in sizes if key in step})
        loader.update(batch_size=batch_size, num_workers=workers)
        loader.persistent_workers = False
    if not augment:
        data = cfg.train_dataloader.dataset
        words = ('Random', 'Distortion')
        data.pipeline = [
            step for step in data.pipeline if not any(w in step.type for w in words)
        ]
    cfg.optim_wrapper.optimizer.update(lr=lr, weight_decay=0.0)
    cfg.optim_wrapper.paramwise_cfg.layer_decay_rate = 1.0
    cfg.train_cfg.update(max_epochs=epochs, val_interval=epochs)
    cfg.param_scheduler = [
        dict(type='LinearLR', begin=0, end=10, start_factor=0.01, by_epoch=False),
        dict(
            type='CosineAnnealingLR',
            T_max=epochs,
            begin=0,
            end=epochs,
            by_epoch=True,
            convert_to_iter_based=True,
        ),
    ]
    cfg.default_hooks.checkpoint.update(interval=epochs, save_best=None)
    cfg.default_hooks.logger.interval = 20
    return cfg
