"""Tiny models of keypoints and classes that are nobody's but the tests'."""

from pathlib import Path

import torch

from sapiens_mm.testing import build_model, tiny_config

KEYPOINTS = ('head', 'left_hand', 'right_hand', 'left_foot', 'right_foot', 'tail')
MIRROR = {
    **{'left_hand': 'right_hand', 'right_hand': 'left_hand'},
    **{'left_foot': 'right_foot', 'right_foot': 'left_foot'},
}
LINKS = (('head', 'left_hand'), ('head', 'right_hand'), ('head', 'tail'))
CLASSES = ('background', 'left glove', 'right glove', 'helmet', 'rope')


def own_keypoints(names=KEYPOINTS, mirror=MIRROR, links=LINKS, sigma=0.05):
    """A metainfo as configs of mmpose state it."""
    return dict(
        dataset_name='mine',
        keypoint_info={
            k: dict(
                name=name, id=k, swap=mirror.get(name, ''), color=[9 * k % 256, 200, 50]
            )
            for k, name in enumerate(names)
        },
        skeleton_info={
            n: dict(link=link, id=n, color=[250, 9 * n, 9])
            for n, link in enumerate(links)
        },
        joint_weights=[1.0] * len(names),
        sigmas=[sigma] * len(names),
    )


def pose_model(names=KEYPOINTS, **metainfo):
    """Config of a tiny pose model, in the form that users give it: ours, changed."""
    cfg = tiny_config('pose/sapiens_0.3b_coco17-1024x768')
    cfg.model.head.out_channels = len(names)
    stated = own_keypoints(names, **metainfo)
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.metainfo = stated
    return cfg


def seg_model(classes=CLASSES, **metainfo):
    """Config of a tiny segmentation model of own classes."""
    cfg = tiny_config('seg/sapiens_0.3b_goliath28-1024x768')
    cfg.model.decode_head.num_classes = len(classes)
    cfg.model.decode_head.loss_decode.class_weight = None
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        dataset.update(parts=None, metainfo=dict(classes=classes, **metainfo))
    return cfg


def write_trained(cfg, path, dataset_meta=None, text=None):
    """Write a checkpoint as mmengine does after a training.

    Args:
        cfg: Of the model.
        path: Of the file.
        dataset_meta: As the data set returns it; None leaves it out.
        text: In place of the config's own.
    """
    meta = dict(cfg=cfg.pretty_text if text is None else text, epoch=1)
    if dataset_meta is not None:
        meta['dataset_meta'] = dataset_meta
    torch.save(dict(meta=meta, state_dict=build_model(cfg).state_dict()), path)
    return Path(path)
