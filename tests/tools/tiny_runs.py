"""Tiny training runs: data sets of drawn people and configs that overfit them."""

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
        cv2.imwrite(str(folder / name), person.photo)
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
    """Shrink the shipped config of 17, 133 or 308 keypoints to a run."""
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
    model = cfg.model
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
    model.head.update(
        in_channels=width,
        deconv_out_channels=(width, width),
        conv_out_channels=(width, width),
    )
    model.head.decoder.update(codec)
    model.test_cfg.flip_test = False
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        for step in pipeline:
            if step.type == 'TopdownAffine':
                step.input_size = (input_width, height)
            elif step.type == 'GenerateTarget':
                step.encoder.update(codec)
    if not augment:
        cfg.train_pipeline = [
            step
            for step in cfg.train_pipeline
            if not any(word in step.type for word in ('Random', 'Distort', 'Dropout'))
        ]
    data = dict(
        data_root='',
        ann_file=str(ann_file),
        data_prefix=dict(img=f'{ann_file.parent}/'),
    )
    cfg.train_dataloader.dataset.update(data, pipeline=cfg.train_pipeline)
    cfg.train_dataloader.update(batch_size=batch_size, num_workers=0)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.update(data, pipeline=cfg.test_pipeline, bbox_file=None)
        loader.update(batch_size=batch_size, num_workers=0, persistent_workers=False)
    cfg.val_evaluator.ann_file = cfg.test_evaluator.ann_file = str(ann_file)
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
    cfg.default_hooks.logger.interval = 1
    return cfg
