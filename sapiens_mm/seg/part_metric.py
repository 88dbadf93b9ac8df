"""IoU of body parts, of their boundaries, and what is taken for what."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation.metrics import IoUMetric
from prettytable import PrettyTable
from torch import Tensor

from sapiens_mm.data.files import BadFileError
from sapiens_mm.registry import METRICS
from sapiens_mm.seg.boundary_iou import IGNORED, boundary_areas
from sapiens_mm.seg.confusion_report import write_report


@METRICS.register_module()
class SapiensPartMetric(IoUMetric):
    """The host's IoU figures, and those of boundaries and of the foreground.

    Percent, rounded to two decimals as the host does: ``aAcc``, ``mIoU`` and ``mAcc``
    are equal to ``IoUMetric``'s; ``mIoU_foreground`` leaves out class 0; ``mBIoU`` and
    ``mBIoU_foreground`` are boundary IoU (Cheng et al. 2021): IoU of the pixels within
    ``dilation_ratio`` of the diagonal from the edge of their own mask. Like IoU it sums
    pixels over all images before it divides, so that large images and masks weigh more.
    A class in neither labels nor predictions is NaN and left out of the means.

    ``IoUMetric`` keeps four sums an image, from which neither boundaries nor confusions
    can be told. This one keeps a C x C matrix and three rows of C; sums of many images
    are exact, where the host's lose pixels to float32.

    Args:
        boundary: Compute boundary IoU.
        dilation_ratio: Width of the boundary as a share of the image's diagonal.
        per_class: Return ``IoU/<class>``, ``Acc/<class>`` and so on as well. The table
            is logged either way.
        report_dir: Folder for ``confusion.png``, ``confusion.csv``, ``confusion.npz``
            and ``classes.csv``; made when needed. None writes nothing.
        **host_args: Of mmseg's ``IoUMetric``; others raise.

    Raises:
        BadFileError: When run, if labels and prediction differ in size, or hold ids
            outside the classes of the data set; the file is named. At the end, if no
            image has a label but 0 and ``ignore_index``: those are masks of 0 and 255,
            of which an empty prediction would score 100.
    """

    def __init__(
        self,
        boundary: bool = True,
        dilation_ratio: float = 0.02,
        per_class: bool = False,
        report_dir: str | None = None,
        **host_args,
    ) -> None:
        known = set(inspect.signature(IoUMetric).parameters) - {'kwargs'}
        unknown = sorted(set(host_args) - known)
        if unknown:
            raise TypeError(f'SapiensPartMetric has no argument {", ".join(unknown)}')
        if not 0 < dilation_ratio < 0.5:
            raise ValueError(
                f'dilation_ratio must be in (0, 0.5), got {dilation_ratio}'
            )
        if isinstance(host_args.get('iou_metrics'), str):
            host_args['iou_metrics'] = [host_args['iou_metrics']]
        super().__init__(**host_args)
        self.boundary = boundary
        self.dilation_ratio = dilation_ratio
        self.per_class = per_class
        self.report_dir = report_dir
        self._ignored = False  # some label was ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Check a batch, then count it; see the host."""
        if not self.format_only:
            for sample in data_samples:
                self._check(sample)
        super().process(data_batch, data_samples)

    def _check(self, sample: dict) -> None:
        name = sample.get('seg_map_path') or sample.get('img_path') or 'a sample'
        pred = sample['pred_sem_seg']['data'].squeeze()
        target = sample['gt_sem_seg']['data'].squeeze()
        if pred.shape != target.shape:
            raise BadFileError(
                f'{name}: the labels are {_size(target)} pixels, the prediction '
                f'{_size(pred)}. Labels must keep the size of the image: load them '
                'after the Resize of the test pipeline'
            )
        num_classes = len(self.dataset_meta['classes'])
        for what, ids in (('labels', target), ('prediction', pred)):
            lowest, highest = ids.aminmax()
            if lowest >= 0 and highest < num_classes:
                continue
            outside = ids[(ids < 0) | (ids >= num_classes)]
            if what == 'labels':
                count = len(outside)
                outside = outside[outside != self.ignore_index]
                self._ignored |= len(outside) < count
            if len(outside):
                raise BadFileError(
                    f'{name}: the id {int(outside[0])} is in the {what}; the data set '
                    f'has {num_classes} classes'
                )

    def intersect_and_union(
        self, pred_label: Tensor, label: Tensor, num_classes: int, ignore_index: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Count one image; the host's ``process`` calls this and keeps the result.

        Args:
            pred_label: Shape (H, W), class ids.
            label: Shape (H, W), class ids or ``ignore_index``.
            num_classes: C.
            ignore_index: Label of pixels that do not count.

        Returns:
            Confusion matrix (C, C) int32, rows labels and columns predictions, and
            the areas of ``boundary_areas``, (3, C) int64.
        """
        # ignore_index may be -100, say, which uint8 cannot hold
        label = label.masked_fill(label == ignore_index, IGNORED)
        pred, target = (x.to(torch.uint8).cpu().numpy() for x in (pred_label, label))
        areas = np.zeros((3, num_classes), np.int64)
        if self.boundary:
            areas = boundary_areas(pred, target, num_classes, self.dilation_ratio)
        return confusion_matrix(pred, target, num_classes), areas

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Sum up the images.

        Args:
            results: What ``intersect_and_union`` returned, one an image.

        Returns:
            The figures by name, without prefix; none with ``format_only``.
        """
        if self.format_only:
            return super().compute_metrics(results)
        if not results:
            raise ValueError('there are no predictions to evaluate')
        confusion = sum(matrix.astype(np.int64) for matrix, _ in results)
        if self._ignored and not confusion[1:].any():
            raise BadFileError(
                f'the labels of all {len(results)} images are 0 or '
                f'{self.ignore_index}, which is no label, so an empty prediction would '
                'score 100: if they are masks of 0 and 255, set '
                'label_map={0: 0, 255: 1} of the data set'
            )
        columns = self._columns(confusion, sum(areas for _, areas in results))
        overall = columns.pop('aAcc')

        metrics = {'aAcc': _percent(overall)}
        for name, values in columns.items():
            metrics[f'm{name}'] = _percent(_mean(values))
        for name in ('IoU', 'BIoU'):
            if name in columns:
                metrics[f'm{name}_foreground'] = _percent(_mean(columns[name][1:]))
        classes = list(self.dataset_meta['classes'])
        if self.per_class:
            for name, values in columns.items():
                for label, value in zip(classes, values, strict=True):
                    metrics[f'{name}/{label}'] = _percent(value)
        self._log(classes, columns)
        if self.report_dir is not None:
            write_report(self.report_dir, classes, confusion, columns)
        return metrics

    def _columns(
        self, confusion: np.ndarray, areas: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the figures of the classes, (C,) each, and ``aAcc``, a scalar."""
        both = np.diag(confusion)
        predicted, labelled = confusion.sum(0), confusion.sum(1)
        sums = (both, predicted + labelled - both, predicted, labelled)
        columns = self.total_area_to_metrics(
            # the type of the host, for the same rounding
            *(torch.from_numpy(total.astype(np.float32)) for total in sums),
            self.metrics,
            self.nan_to_num,
            self.beta,
        )
        if self.boundary:
            both, predicted, labelled = areas.astype(np.float64)
            with np.errstate(invalid='ignore'):
                biou = both / (predicted + labelled - both)
            if self.nan_to_num is not None:
                biou = np.nan_to_num(biou, nan=self.nan_to_num)
            columns['BIoU'] = biou
        return dict(columns)

    def _log(self, classes: list[str], columns: dict[str, np.ndarray]) -> None:
        table = PrettyTable()
        table.add_column('Class', classes, align='l')
        for name, values in columns.items():
            table.add_column(name, [f'{100 * value:.2f}' for value in values], 'r')
        logger = MMLogger.get_current_instance()
        print_log(f'per class results, percent:\n{table.get_string()}', logger)


def confusion_matrix(
    pred: np.ndarray, target: np.ndarray, num_classes: int
) -> np.ndarray:
    """Count pixels by label and prediction; label 255 does not count.

    Args:
        pred: Shape (H, W), uint8, below C.
        target: Shape (H, W), uint8, below C or 255.
        num_classes: C, at most 255.

    Returns:
        Shape (C, C), int32: entry (r, c) is what is labelled r and predicted c.
    """
    # 255 * 255 + 254 still fits 16 bits
    pairs = target.astype(np.uint16) * np.uint16(num_classes) + pred
    # label 255 is beyond the last class
    counts = np.bincount(pairs.ravel(), minlength=num_classes**2)[: num_classes**2]
    return counts.reshape(num_classes, num_classes).astype(np.int32)


def _size(labels: Tensor) -> str:
    return ' x '.join(str(side) for side in labels.shape)


def _mean(values: np.ndarray) -> float:
    """Average what is not NaN; NaN where nothing is left."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # mean of nothing
        return np.nanmean(values)


def _percent(value: float) -> float:
    return round(float(value * 100), 2)
