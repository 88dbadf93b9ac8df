"""Say at the start of a training what its annotation files hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.fileio import get_local_path
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.datasets import CocoDataset, CocoWholeBodyDataset

from sapiens_mm.pose.annotation_check import check_annotations
from sapiens_mm.pose.goliath_dataset import SapiensGoliathDataset
from sapiens_mm.registry import HOOKS


@HOOKS.register_module()
class SapiensAnnotationCheckHook(Hook):
    """Check the annotation files of a training before its first iteration.

    The main process reads the files of the training and validation data once more,
    logs what is in them and what training leaves out, and stops the run on all
    processes if a record is wrong. A hook rather than a data set, so that mmpose's
    ``CocoDataset`` and ``CocoWholeBodyDataset`` are checked as they are, wrapped in
    ``CombinedDataset``, ``ConcatDataset`` or others too.

    Args:
        check_images: Whether to look for the images on disk.

    Raises:
        ValueError: Before training, if a file is wrong; one sentence.
    """

    def __init__(self, check_images: bool = True) -> None:
        self.check_images = check_images

    def before_train(self, runner: Runner) -> None:
        """Check, log, and stop on errors.

        Args:
            runner: Of the training.
        """
        error: list[str | None] = [None]
        if is_main_process():
            loops = [runner.train_loop]
            if runner.val_loop is not None:
                loops.append(runner.val_loop)
            try:
                for text in self.check([loop.dataloader.dataset for loop in loops]):
                    runner.logger.info(text)
            except (ValueError, OSError) as reason:
                error[0] = str(reason)
        broadcast_object_list(error)
        if error[0] is not None:
            raise ValueError(error[0])

    def check(self, datasets: list[Any]) -> Iterator[str]:
        """Check the files of data sets, each file once.

        Args:
            datasets: Data sets, wrapped or not.

        Yields:
            What to log of each file.

        Raises:
            ValueError: If a file has errors.
        """
        seen = set()
        for dataset in (leaf for whole in datasets for leaf in leaves(whole)):
            num_keypoints = file_keypoints(dataset)
            path = getattr(dataset, 'ann_file', None)
            if num_keypoints is None or not path:
                yield (
                    f'The annotations of {type(dataset).__name__} are not checked: '
                    'only COCO, COCO-WholeBody and Goliath files are'
                )
                continue
            root = dataset.data_prefix.get('img') if self.check_images else None
            if (path, num_keypoints, root) in seen:
                continue
            seen.add((path, num_keypoints, root))
            with get_local_path(path) as local_path:
                report = check_annotations(
                    local_path, num_keypoints, root, strict=False
                )
            text = report.summary()
            report.raise_for_errors()
            yield text


def leaves(dataset: Any) -> Iterator[Any]:
    """Yield the data sets inside wrappers, which have ``datasets`` or ``dataset``."""
    inner = getattr(dataset, 'datasets', None)
    if inner is None:
        inner = [dataset.dataset] if hasattr(dataset, 'dataset') else None
    if inner is None:
        yield dataset
    else:
        for each in inner:
            yield from leaves(each)


def file_keypoints(dataset: Any) -> int | None:
    """Return the vocabulary of a data set's file: 17, 133, 308, or None for others.

    Subclasses count as long as they read files and records as their parent does.
    """
    kinds = {SapiensGoliathDataset: 308, CocoWholeBodyDataset: 133, CocoDataset: 17}
    for kind, num_keypoints in kinds.items():
        if isinstance(dataset, kind):
            if all(
                getattr(type(dataset), name) is getattr(kind, name)
                for name in ('_load_annotations', 'parse_data_info')
            ):
                return getattr(dataset, 'file_keypoints', num_keypoints)
            return None
    return None


def explain_failed_start(cfg: Any) -> str | None:
    """Look for the reason in the annotation files if a training could not start.

    mmpose reads files while it builds data sets, before any hook; what it stumbles
    over there, it does not name.

    Args:
        cfg: Config of the run as a dict, or a part of it.

    Returns:
        One sentence about the first wrong file, or None if none is.
    """
    if isinstance(cfg, (list, tuple)):
        found = map(explain_failed_start, cfg)
        return next((text for text in found if text), None)
    if not isinstance(cfg, dict):
        return None
    kind = str(cfg.get('type', '')).rpartition('.')[2]
    num_keypoints = cfg.get('file_keypoints', _KINDS.get(kind))
    if num_keypoints is not None and cfg.get('ann_file'):
        root = cfg.get('data_root') or ''
        prefix = (cfg.get('data_prefix') or {}).get('img', '')
        try:
            check_annotations(
                os.path.join(root, cfg['ann_file']),
                num_keypoints,
                os.path.join(root, prefix) or None,
            )
        except (ValueError, OSError) as error:
            return str(error)
    keys = ('train_dataloader', 'val_dataloader', 'dataset', 'datasets')
    return explain_failed_start([cfg[key] for key in keys if cfg.get(key)])


_KINDS = {'CocoDataset': 17, 'CocoWholeBodyDataset': 133, 'SapiensGoliathDataset': 308}
