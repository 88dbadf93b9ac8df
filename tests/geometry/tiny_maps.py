"""The shipped depth and normal configs, shrunk to runs on drawn scenes."""

from mmengine.config import Config

import sapiens_mm


def map_config(
    root,
    kind,
    data='render_people',
    input_hw=(64, 48),
    width=32,
    depth=1,
    head_width=16,
    epochs=2,
    batch_size=2,
    lr=1e-3,
    augment=True,
):
    """Shrink a shipped config to a run on the data set in ``root``."""
    cfg = Config.fromfile(
        sapiens_mm.config_path(f'{kind}/sapiens_0.3b_{data}-1024x768')
    )
    height, input_width = input_hw
    cfg.model.data_preprocessor.size = input_hw
    cfg.model.backbone.update(
        arch=dict(
            embed_dims=width,
            num_layers=depth,
            num_heads=width // 32,
            feedforward_channels=4 * width,
        ),
        img_size=input_hw,
        init_cfg=None,
    )
    num_deconvs, num_convs = (4, 2) if kind == 'depth' else (3, 3)
    cfg.model.decode_head.update(
        in_channels=width,
        channels=head_width,
        deconv_out_channels=[head_width] * num_deconvs,
        conv_out_channels=[head_width] * num_convs,
    )
    loaders = [cfg.get(f'{split}_dataloader') for split in ('train', 'val', 'test')]
    for loader in filter(None, loaders):
        steps = loader.dataset.pipeline
        for step in steps:
            if 'scale' in step:
                step.scale = (input_width, height)
            if step.type == 'RandomCrop':
                step.crop_size = input_hw
        if not augment:
            loader.dataset.pipeline = [
                step
                for step in steps
                if 'Random' not in step.type and 'Distortion' not in step.type
            ]
        loader.dataset.data_root = str(root)
        loader.update(batch_size=batch_size, num_workers=0, persistent_workers=False)
    if cfg.get('train_dataloader') is None:
        return cfg
    cfg.optim_wrapper.optimizer.update(lr=lr, weight_decay=0.0)
    cfg.optim_wrapper.paramwise_cfg.layer_decay_rate = 1.0
    cfg.train_cfg = dict(by_epoch=True, max_epochs=epochs, val_interval=epochs)
    cfg.param_scheduler = [
        dict(type='LinearLR', begin=0, end=20, start_factor=0.01, by_epoch=False),
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
