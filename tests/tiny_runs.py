"""Tiny training runs: drawn people, and shipped configs shrunk until they overfit."""

import json
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

import sapiens_mm
from sapiens_mm.tables import keypoint_table
from sapiens_mm.testing import fake_person


@HOOKS.register_module(force=True)
class LossDump(Hook):
    """Write the loss of every iteration of every rank, one a line."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        path = Path(runner.work_dir) / f'losses_{get_rank()}.txt'
        with path.open('a') as file:
            file.write(f'{float(outputs["loss"])!r}\n')


WHOLEBODY_PARTS = {
    'foot': ('foot_kpts', 17, 23),
    'face': ('face_kpts', 23, 91),
    'lefthand': ('lefthand_kpts', 91, 112),
    'righthand': ('righthand_kpts', 112, 133),
}


def write_people(folder, count=4, num_keypoints=17, hw=(160, 120)):
    """Write drawn people as a COCO (or COCO-WholeBody) data set.

    The 133 (or 308, as a Goliath file) keypoints are points on the lines between the
    drawn 17.

    Returns:
        Path of the annotation file; images are beside it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for index in range(count):
        person = fake_person(index, hw)
        name = f'{index:012d}.png'
        cv2.imwrite(str(folder / name), person.image)
        images.append(dict(id=index + 1, file_name=name, height=hw[0], width=hw[1]))
        points = np.hstack([person.keypoints, np.full((17, 1), 2)])
        x1, y1, x2, y2 = person.box_xyxy.tolist()
        record = dict(
            id=index + 1,
            image_id=index + 1,
            category_id=1,
            iscrowd=0,
            bbox=[x1, y1, x2 - x1, y2 - y1],
            area=(x2 - x1) * (y2 - y1) * 0.6,
            segmentation=[],
            num_keypoints=17,
            keypoints=points.ravel().tolist(),
        )
        extra = np.linspace(0, 16, num_keypoints - 17)
        low = np.floor(extra).astype(int).clip(max=15)
        share = (extra - low)[:, None]
        points = np.vstack(
            [points, points[low] * (1 - share) + points[low + 1] * share]
        )
        if num_keypoints == 308:
            del record['keypoints']
            record['goliath_wholebody_kpts'] = points.ravel().tolist()
            record['num_keypoints'] = 308
        if num_keypoints == 133:
            for part, (field, start, stop) in WHOLEBODY_PARTS.items():
                record[field] = points[start:stop].ravel().tolist()
                record[f'{part}_valid'] = True
                if part != 'foot':
                    record[f'{part}_box'] = record['bbox']
        annotations.append(record)
    names = list(keypoint_table(17).names)
    path = folder / f'people{num_keypoints}.json'
    category = dict(id=1, name='person', keypoints=names, skeleton=[])
    path.write_text(
        json.dumps(dict(images=images, annotations=annotations, categories=[category]))
    )
    return path


def pose_config(
    ann_file,
    num_keypoints=17,
    input_hw=(128, 96),
    width=64,
    depth=2,
    epochs=10,
    batch_size=4,
    lr=1e-3,
    augment=False,
):
    """Shrink the shipped config of 17, 133 or 308 keypoints to a run on a file."""
    ann_file = Path(ann_file)
    name = {17: 'coco17', 133: 'wholebody133', 308: 'goliath308'}[num_keypoints]
    cfg = Config.fromfile(sapiens_mm.config_path(f'pose/sapiens_0.3b_{name}-1024x768'))
    height, input_width = input_hw
    codec = dict(
        input_size=(input_width, height),
        heatmap_size=(input_width // 4, height // 4),
        sigma=2.0,
    )
    cfg.codec.update(codec)
    shrink_encoder(cfg, input_hw, width, depth)
    cfg.model.head.update(
        in_channels=width,
        deconv_out_channels=(width, width),
        conv_out_channels=(width, width),
    )
    cfg.model.head.decoder.update(codec)
    cfg.model.test_cfg.flip_test = False
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        for step in pipeline:
            if step.type == 'TopdownAffine':
                step.input_size = (input_width, height)
            elif step.type == 'GenerateTarget':
                step.encoder.update(codec)
    if not augment:
        cfg.train_pipeline = without_chance(cfg.train_pipeline)
    data = dict(
        data_root='',
        ann_file=str(ann_file),
        data_prefix=dict(img=f'{ann_file.parent}/'),
    )
    cfg.train_dataloader.dataset.update(data, pipeline=cfg.train_pipeline)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.update(data, pipeline=cfg.test_pipeline, bbox_file=None)
    for loader in loaders(cfg):
        load_here(loader, batch_size)
    cfg.val_evaluator.ann_file = cfg.test_evaluator.ann_file = str(ann_file)
    set_schedule(cfg, epochs, lr, warmup=20)
    cfg.default_hooks.logger.interval = 1
    return cfg


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
    """Shrink a shipped config of parts to a run on files below ``root``."""
    cfg = Config.fromfile(sapiens_mm.config_path(f'seg/sapiens_0.3b_{name}-1024x768'))
    cfg.model.data_preprocessor.size = input_hw
    shrink_encoder(cfg, input_hw, width, depth)
    cfg.model.decode_head.update(
        in_channels=width,
        channels=width,
        deconv_out_channels=(width,) * 3,
        conv_out_channels=(width,) * 3,
    )
    for loader in loaders(cfg):
        set_sizes(loader.dataset, input_hw)
        loader.dataset.data_root = str(root)
        load_here(loader, batch_size, workers)
    if not augment:
        data = cfg.train_dataloader.dataset
        data.pipeline = without_chance(data.pipeline)
    set_schedule(cfg, epochs, lr, warmup=10)
    return cfg


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
    """Shrink a shipped config of ``'depth'`` or ``'normal'`` to a run on ``root``."""
    cfg = Config.fromfile(
        sapiens_mm.config_path(f'{kind}/sapiens_0.3b_{data}-1024x768')
    )
    cfg.model.data_preprocessor.size = input_hw
    shrink_encoder(cfg, input_hw, width, depth)
    num_deconvs, num_convs = (4, 2) if kind == 'depth' else (3, 3)
    cfg.model.decode_head.update(
        in_channels=width,
        channels=head_width,
        deconv_out_channels=[head_width] * num_deconvs,
        conv_out_channels=[head_width] * num_convs,
    )
    for loader in loaders(cfg):
        set_sizes(loader.dataset, input_hw)
        if not augment:
            loader.dataset.pipeline = without_chance(loader.dataset.pipeline)
        loader.dataset.data_root = str(root)
        load_here(loader, batch_size)
    if cfg.get('train_dataloader') is not None:  # some data is for tests alone
        set_schedule(cfg, epochs, lr, warmup=20)
    return cfg


def loaders(cfg):
    """Return the data loaders that a config has."""
    found = [cfg.get(f'{split}_dataloader') for split in ('train', 'val', 'test')]
    return [loader for loader in found if loader is not None]


def load_here(loader, batch_size, workers=0):
    """Set the batch size; no process outlives an epoch."""
    loader.update(batch_size=batch_size, num_workers=workers, persistent_workers=False)


def shrink_encoder(cfg, input_hw, width, depth):
    """Set the backbone's size; its weights are random."""
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


def set_sizes(dataset, input_hw):
    """Set the sizes that steps of mmseg's pipelines name."""
    sizes = dict(scale=input_hw[::-1], crop_size=input_hw)
    for step in dataset.pipeline:
        step.update({key: size for key, size in sizes.items() if key in step})


def without_chance(pipeline):
    """Return the steps that draw no numbers."""
    words = ('Random', 'Distort', 'Dropout')
    return [step for step in pipeline if not any(word in step.type for word in words)]


def set_schedule(cfg, epochs, lr, warmup):
    """Train by epochs at one rate for all layers, and evaluate at the end.

    Args:
        warmup: Iterations in which the rate rises.
    """
    cfg.optim_wrapper.optimizer.update(lr=lr, weight_decay=0.0)
    cfg.optim_wrapper.paramwise_cfg.layer_decay_rate = 1.0
    cfg.train_cfg = dict(by_epoch=True, max_epochs=epochs, val_interval=epochs)
    cfg.param_scheduler = [
        dict(type='LinearLR', begin=0, end=warmup, start_factor=0.01, by_epoch=False),
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
