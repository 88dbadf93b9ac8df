"""Say at the start of a training what its annotation files hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.fileio import get_local_path
from mmengine.hooks import Hook
from mmengine.runner import Runner

from sapiens_mm.data.files import BadFileError
from sapiens_mm.pose.annotation_sources import (
    Leaf,
    Source,
    built_leaves,
    read_source,
    sources_of,
)
from sapiens_mm.registry import HOOKS


@HOOKS.register_module()
class SapiensAnnotationCheckHook(Hook):
    """Check the annotation files of a training before its first iteration.

    The main process reads the files of the training and validation data and of the
    metrics once more, logs what is in them and what training leaves out, and stops the
    run on all processes if a record is wrong, or lacks what a metric will ask of it. A
    hook rather than a data set, so that mmpose's data sets are checked as they are,
    wrapped in ``CombinedDataset``, ``ConcatDataset`` or others too. ``sapiens train``
    makes the same check before it builds the data sets; the hook then adds nothing.

    Args:
        check_images: Whether to look for the images on disk, and compare their sizes.

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
            val, metrics = [], []
            if runner.val_loop is not None:
                val = [runner.val_loop.dataloader.dataset]
                evaluator = getattr(runner.val_loop, 'evaluator', None)
                metrics = getattr(evaluator, 'metrics', [])
            try:
                train = [runner.train_loop.dataloader.dataset]
                for text in self.check(train, val, metrics):
                    runner.logger.info(text)
            except (ValueError, OSError) as reason:
                error[0] = str(reason)
        # raised on every process: the others would wait for this one for ever
        broadcast_object_list(error)
        if error[0] is not None:
            raise BadFileError(error[0])

    def check(
        self, train: Sequence[Any], val: Sequence[Any] = (), metrics: Sequence[Any] = ()
    ) -> Iterator[str]:
        """Check the files of data sets, each use of a file once.

        Args:
            train: Data sets of the training, wrapped or not.
            val: Of the validation.
            metrics: Of the validation.

        Yields:
            What to log of each file.

        Raises:
            ValueError: If a file has errors.
        """
        leaves = [
            [leaf for whole in datasets for leaf in built_leaves(whole)]
            for datasets in (train, val)
        ]
        yield from check_sources(sources_of(*leaves, metrics, self.check_images))


def check_sources(sources: Sequence[Source | Leaf]) -> Iterator[str]:
    """Check annotation files.

    Args:
        sources: From ``annotation_sources.sources_of``.

    Yields:
        What is in each, or that it is not checked.

    Raises:
        ValueError: If a file has errors.
    """
    told = set()
    for source in sources:
        if isinstance(source, Leaf):
            text = (
                f'The annotations of {source.name} are not checked: only COCO, '
                'COCO-WholeBody and Goliath files are'
            )
        else:
            with get_local_path(source.path) as local_path:
                report = read_source(source, local_path)
            report.raise_for_errors()
            text = report.summary()
        if text not in told:
            told.add(text)
            yield text
