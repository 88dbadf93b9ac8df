"""Base of the metrics of maps: pixels, sizes, images left out, and what is printed."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.fileio import dump
from mmengine.logging import MMLogger
from numpy.typing import NDArray
from torch import Tensor

from sapiens_mm.data.map_fields import GT_MAP, PRED_MAP, map_in
from sapiens_mm.geometry.protocols import NormalProtocol, choose_protocol
from sapiens_mm.layers.bilinear import resize_maps

_NAMED = 5  # images that a line of the log names


class MapMetric(BaseMetric):
    """Compares ``pred_map`` with ``gt_map`` on chosen pixels.

    Both are compared at the size of the ground truth; a prediction of another size is
    resized bilinearly (corners not aligned), then handed to :meth:`measure`. An image
    without a pixel to evaluate, or with a prediction that is not finite on one, is left
    out, counted and named; nothing becomes NaN. Every choice is printed above the
    figures and returned beside them.

    Args:
        protocol: Name of a preset.
        out_file: JSON file for the choices, the figures and those of each image.
        collect_device: Of mmengine's ``BaseMetric``.
        prefix: Of mmengine's ``BaseMetric``.
        collect_dir: Of mmengine's ``BaseMetric``.
        **choices: Replace choices of the preset.

    Raises:
        ValueError: For an unknown preset, choice or value.
    """

    presets: ClassVar[Mapping[str, NormalProtocol]]
    channels: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self,
        protocol: str = 'sapiens',
        out_file: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
        **choices: Any,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.protocol = choose_protocol(self.presets, protocol, choices)
        if out_file is not None and not str(out_file).endswith('.json'):
            raise ValueError(f'out_file must end in .json, got {out_file}')
        self.out_file = out_file

    @abstractmethod
    def valid_pixels(self, target: NDArray) -> NDArray:
        """Return where a ground truth (C, H, W) is valid, (H, W) bool."""

    @abstractmethod
    def measure(self, pred_CM: NDArray, target_CM: NDArray) -> dict[str, Any]:
        """Compare the M > 0 pixels of an image.

        Args:
            pred_CM: Finite numbers.
            target_CM: Valid ones.

        Returns:
            ``figures`` of this image by name, and what :meth:`pool` and the report
            need.

        Raises:
            ValueError: If they cannot be compared; the image is then left out.
        """

    @abstractmethod
    def pool(self, records: Sequence[dict]) -> dict[str, float]:
        """Return the figures of all pixels of some images, at least one."""

    @abstractmethod
    def remarks(self, records: Sequence[dict]) -> tuple[dict[str, float], list[str]]:
        """Return figures besides the errors, and sentences for the log."""

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Compare each sample of a batch.

        Args:
            data_batch: Not used.
            data_samples: With ``pred_map`` and ``gt_map`` (C, H, W), the latter in its
                own unit at the size of the image, ``gt_mask`` (1, H, W) where pixels
                are human, and ``img_path``; or with the host's names of depth.

        Raises:
            ValueError: If a sample has no such map, or one of another shape.
        """
        for sample in data_samples:
            name = str(sample.get('img_path') or f'sample {len(self.results)}')
            pred, target = map_in(sample, PRED_MAP), map_in(sample, GT_MAP)
            mask = sample['gt_mask']['data'] if 'gt_mask' in sample else None
            self.add(name, pred, target, mask, group=sample.get('group'))

    def add(
        self,
        name: str,
        pred: Tensor | None,
        target: Tensor | None,
        mask: Tensor | None = None,
        group: str | None = None,
    ) -> None:
        """Compare one image and keep the result.

        Args:
            name: Of the image, for messages and the file.
            pred: Shape (C, h, w).
            target: Shape (C, H, W).
            mask: Shape (1, H, W) or (H, W), > 0 on people. Needed for human pixels.
            group: Of images to be summarised on their own too.

        Raises:
            ValueError: If one is missing or of another shape.
        """
        for kind, value in (('prediction', pred), ('ground truth', target)):
            if value is None:
                raise ValueError(f'{name} has no {kind}')
            if value.ndim != 3 or len(value) != self.channels:
                raise ValueError(
                    f'{name}: the {kind} has shape {tuple(value.shape)}; expected '
                    f'({self.channels}, H, W)'
                )
        size_hw = tuple(target.shape[1:])
        if tuple(pred.shape[1:]) != size_hw:
            pred = resize_maps(pred[None].float(), size_hw)[0]
        pred, target = pred.double().cpu().numpy(), target.double().cpu().numpy()
        valid = self.valid_pixels(target)
        unknown = 0
        if self.protocol.pixels == 'human':
            people = self._people(name, mask, size_hw)
            unknown = int((people & ~valid).sum())
            valid &= people
        record = {'name': name, 'group': group, 'unknown': unknown}
        self.results.append({**record, **self._compare(pred, target, valid)})

    def _people(
        self, name: str, mask: Tensor | None, size_hw: tuple[int, ...]
    ) -> NDArray:
        if mask is None:
            raise ValueError(
                f"{name} has no gt_mask; pixels='human' needs it, pixels='all' does not"
            )
        mask = torch.as_tensor(mask)
        if mask.numel() != math.prod(size_hw) or tuple(mask.shape[-2:]) != size_hw:
            raise ValueError(
                f'{name}: the mask has shape {tuple(mask.shape)}, the ground truth '
                f'{size_hw}'
            )
        return (mask.reshape(size_hw) > 0).cpu().numpy()

    def _compare(self, pred: NDArray, target: NDArray, valid: NDArray) -> dict:
        count = int(valid.sum())
        if not count:
            return {'left_out': 'no valid pixel'}
        pred_CM, target_CM = pred[:, valid], target[:, valid]
        broken = int((~np.isfinite(pred_CM)).any(0).sum())
        if broken:
            return {'left_out': f'prediction not finite on {broken} of {count} pixels'}
        try:
            return {'pixels': count, **self.measure(pred_CM, target_CM)}
        except ValueError as error:
            return {'left_out': str(error)}

    def compute_metrics(self, results: list[dict]) -> dict[str, float | str]:
        """Summarise all images and log the report; see :meth:`summarise`."""
        summary, report = self.summarise(results)
        MMLogger.get_current_instance().info(report)
        return summary

    def summarise(self, results: list[dict]) -> tuple[dict[str, float | str], str]:
        """Summarise all images; the order of ``results`` changes nothing.

        Args:
            results: What :meth:`add` kept.

        Returns:
            The figures by name, of all images and, as ``group/name``, of each group
            if there are several, ``num_images``, ``num_left_out``,
            ``num_unknown_pixels`` and ``protocol``; and a text of choices, remarks
            and a table.

        Raises:
            ValueError: If no image could be evaluated.
        """
        # sorted: with several processes the order is theirs
        results = sorted(results, key=lambda record: record['name'])
        left_out = {r['name']: r['left_out'] for r in results if 'left_out' in r}
        records = [record for record in results if 'left_out' not in record]
        if not records:
            shown = listing(f'{name} ({why})' for name, why in left_out.items())
            raise ValueError(f'{self.title}: no image to evaluate: {shown or "none"}')
        figures = {'': self._summarise(records)}
        groups = sorted({r['group'] for r in records if r['group'] is not None})
        # one group alone would print the same row twice
        for group in groups if len(groups) > 1 else ():
            members = [record for record in records if record['group'] == group]
            figures[f'{group}/'] = self._summarise(members)
        extra, lines = self.remarks(records)
        unknown = [record for record in records if record['unknown']]
        num_unknown = sum(record['unknown'] for record in unknown)
        if unknown:
            lines.insert(
                0,
                f'{num_unknown} PIXELS OF PEOPLE without ground truth are not compared '
                f'(in {len(unknown)} images: {listing(r["name"] for r in unknown)})',
            )
        if left_out:
            shown = listing(f'{name} ({why})' for name, why in left_out.items())
            lines.insert(0, f'LEFT OUT, {len(left_out)} of {len(results)}: {shown}')
        counts = {
            'num_images': len(records),
            'num_left_out': len(left_out),
            'num_unknown_pixels': num_unknown,
            **extra,
        }
        flat = {
            f'{group}{name}': value
            for group, values in figures.items()
            for name, value in values.items()
        }
        summary = {**flat, **counts, 'protocol': str(self.protocol)}
        if self.out_file is not None:
            kept = ('name', 'group', 'pixels', 'unknown', 'figures', 'details')
            each = [{k: r[k] for k in kept if k in r} for r in records]
            choices = {'name': self.protocol.name, **self.protocol.choices()}
            contents = {'choices': {**choices, **self.settings()}, 'results': summary}
            dump({**contents, 'left_out': left_out, 'images': each}, self.out_file)
        return summary, self._report(figures, records, lines)

    def _summarise(self, records: Sequence[dict]) -> dict[str, float]:
        """Return the figures of some images, averaged as the protocol says."""
        if self.protocol.average == 'pooled':
            return self.pool(records)
        return {
            name: mean_of([record['figures'][name] for record in records])
            for name in records[0]['figures']
        }

    def settings(self) -> dict[str, Any]:
        """Return what else changes the figures, by name, to be printed."""
        return {'resize': 'bilinear, to the ground truth'}

    def _report(self, figures: dict, records: list[dict], lines: list[str]) -> str:
        pixels = sum(record['pixels'] for record in records)
        settings = ', '.join(f'{k}={v}' for k, v in self.settings().items())
        rows = [
            f'{self.title}, protocol {self.protocol}; {settings}',
            f'{len(records)} images, {pixels} pixels',
            *lines,
        ]
        names = list(figures[''])
        width = max(map(len, names)) + 2
        first = max(len(group) for group in figures) + 1
        rows.append(' ' * first + ''.join(f'{name:>{width}}' for name in names))
        for group, values in figures.items():
            numbers = ''.join(f'{value:{width}.4f}' for value in values.values())
            rows.append(f'{group.rstrip("/"):<{first}}{numbers}')
        return '\n'.join(rows)


def mean_of(values: Sequence[float]) -> float:
    """Return the mean, the same to the last bit in any order."""
    return math.fsum(values) / len(values)


def listing(items: Iterable[str]) -> str:
    """Join the first few and say how many more there are."""
    items = list(items)
    rest = len(items) - _NAMED
    return ', '.join(items[:_NAMED]) + (f' and {rest} more' if rest > 0 else '')
