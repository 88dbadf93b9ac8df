"""Images with a continuous map each, in folders."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from sapiens_mm.data.bad_samples import SkipBadSamples
from sapiens_mm.data.files import FileKind, match_files
from sapiens_mm.geometry.axes import axis_agreement, fitting_axes, parse_axes
from sapiens_mm.geometry.map_checks import check_mask_shape
from sapiens_mm.geometry.map_encodings import check_encoding, read_known
from sapiens_mm.geometry.map_files import (
    MAP_SUFFIXES,
    check_encoding_name,
    read_image,
    read_mask,
)
from sapiens_mm.geometry.map_kinds import map_kind
from sapiens_mm.images import IMAGE_SUFFIXES, MASK_SUFFIXES
from sapiens_mm.registry import DATASETS

_MEASURED = 16  # samples that axes='auto' looks at


@DATASETS.register_module()
class SapiensMapDataset(SkipBadSamples, BaseDataset):
    """Images, masks of people and maps of depth or normals, one file each.

    Files belong together by their names without suffix, sub-folders included; those
    that lack a partner are counted and named in the log. mmseg's data sets know one
    folder of labels with one suffix, and ask for classes.

    Args:
        kind: ``'depth'`` or ``'normal'``.
        data_prefix: Folders below ``data_root``: ``img_path``, ``mask_path`` and
            ``map_path``. Default: ``rgb``, ``mask`` and ``depth`` or ``normal``.
            Without ``mask_path`` every known pixel counts as a person.
        axes: What the channels of normals hold, as in
            :func:`~sapiens_mm.geometry.axes.parse_axes`; or ``'auto'``: measured at
            the start on 16 samples, and logged.
        handedness: ``'right'`` or ``'left'`` to check ``axes``, or None.
        encoding: How normals are stored: ``'vector'``, or ``'rgb'``, (n + 1) / 2 of
            0 to 1, 0 to 255 or 0 to 65535. None takes PNG as ``'rgb'`` and others as
            ``'vector'``.
        map_layer: In EXR files, the layer or the one channel to take; None looks for
            it, see :func:`~sapiens_mm.geometry.exr_files.read_exr`.
        map_scale: Unit of stored depth, such as 0.001 where it is in millimetres and
            metres are wanted; 16-bit PNG must have one.
        depth_unit: Its name, for reports.
        invalid_value: A number that stands for "unknown" in the files, before scaling.
        mask_threshold: Pixels of masks above it are people. Masks with losses (JPEG)
            need one above their noise.
        max_holes: Share of a person's pixels that may be unknown; they are then taken
            out of the mask.
        near_is_zero: Depth is relative, near 0 and far 1, as our models give it, so 0
            on a person is the nearest depth and not "no depth". It is read as
            1 + depth. Masks, NaN or ``invalid_value`` must tell where nobody is.
        skip_bad: Leave out samples whose files cannot be used instead of stopping.
            They are logged once each, and ``num_bad`` counts them: in training as
            they come up, in ``test_mode`` at the start, by reading all.
        **kwargs: Of mmengine's ``BaseDataset``; unknown ones raise.

    Raises:
        ValueError: If an argument is wrong, a folder is missing, or nothing matches.
    """

    METAINFO: dict = {}

    def __init__(
        self,
        kind: str,
        *,
        data_prefix: dict[str, str] | None = None,
        axes: str = 'xyz',
        handedness: str | None = None,
        encoding: str | None = None,
        map_layer: str | None = None,
        map_scale: float | None = None,
        depth_unit: str | None = None,
        invalid_value: float | None = None,
        mask_threshold: int = 0,
        max_holes: float = 0.0,
        near_is_zero: bool = False,
        skip_bad: bool = False,
        **kwargs: Any,
    ) -> None:
        self.kind = map_kind(kind)
        if not self.kind.turns and (axes, handedness) != ('xyz', None):
            raise ValueError(f'axes and handedness are for normals, not for {kind}')
        if not self.kind.turns and encoding is not None:
            raise ValueError(f'encoding is for normals, not for {kind}')
        check_encoding_name(encoding)
        if self.kind.turns and near_is_zero:
            raise ValueError(f'near_is_zero is for depth, not for {kind}')
        if axes != 'auto':
            parse_axes(axes, handedness)
        elif handedness is not None:
            raise ValueError("handedness checks axes; there are none with axes='auto'")
        if not 0 <= max_holes < 1:
            raise ValueError(f'max_holes must be in [0, 1), got {max_holes}')
        self.depth_unit = depth_unit
        self.skip_bad = skip_bad
        self.map_format = dict(
            axes=axes,
            encoding=encoding,
            layer=map_layer,
            scale=map_scale,
            invalid_value=invalid_value,
            mask_threshold=mask_threshold,
            max_holes=max_holes,
            near_is_zero=near_is_zero,
        )
        if data_prefix is None:
            data_prefix = dict(
                img_path='rgb', mask_path='mask', map_path=self.kind.folder
            )
        super().__init__(data_prefix=data_prefix, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Match the files, and measure the axes where asked to."""
        data_list = self.find_samples()
        if self.map_format['axes'] == 'auto':
            self.map_format['axes'] = self._measure_axes(data_list)
        return data_list

    def find_samples(self) -> list[dict[str, Any]]:
        """Return ``img_path``, ``map_path`` and ``mask_path`` of every sample."""
        kinds = {
            'image': FileKind(self.data_prefix['img_path'], IMAGE_SUFFIXES),
            'map': FileKind(self.data_prefix['map_path'], MAP_SUFFIXES),
        }
        if 'mask_path' in self.data_prefix:
            kinds['mask'] = FileKind(self.data_prefix['mask_path'], MASK_SUFFIXES)
        return self.match(kinds)

    def match(self, kinds: dict[str, FileKind]) -> list[dict[str, Any]]:
        """Match files by name, and log those that are left over."""
        matches = match_files(kinds)
        if matches.num_unmatched:
            print_log(matches.summary(), logger='current', level=logging.WARNING)
        return [
            dict(
                img_path=files['image'],
                map_path=files['map'],
                mask_path=files.get('mask'),
            )
            for files in matches.samples
        ]

    def _measure_axes(self, data_list: list[dict[str, Any]]) -> str:
        picked = np.linspace(0, len(data_list) - 1, _MEASURED).round().astype(int)
        measured, fault = [], ''
        # a set, since a small data set is picked more than once
        for index in sorted(set(picked.tolist())):
            sample = data_list[index]
            try:
                values, mask = self._read_normals(sample)
            except ValueError as error:
                # one bad file does not hinder the measure; it is named if all are bad
                fault = str(error)
                continue
            measured.append(axis_agreement(values, mask))
        if not measured:
            raise ValueError(
                f'axes cannot be measured: none of {len(picked)} samples of '
                f'{self.data_root or data_list[0]["map_path"]} can be read: {fault}'
            )
        axes, margin = fitting_axes(np.mean(measured, 0))
        if margin < 0.2:
            raise ValueError(
                f'axes cannot be told from {len(measured)} samples: {axes!r} fits '
                f'best, but only by {margin:.2f}; state them'
            )
        print_log(
            f'axes={axes!r}, measured on {len(measured)} samples of '
            f'{self.data_root}; the next best fits worse by {margin:.2f}',
            logger='current',
        )
        return axes

    def _read_normals(self, sample: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return unit vectors (H, W, 3), as stored, and people (H, W), bool."""
        path, form = str(sample['map_path']), self.map_format
        values, mask = read_known(path, self.kind, form)
        if sample['mask_path'] is not None:
            people = read_mask(sample['mask_path'], form['mask_threshold'])
            check_mask_shape(str(sample['mask_path']), people.shape, mask.shape, 'mask')
            mask &= people > 0
        check_encoding(path, values, mask, self.kind, form)
        values[~mask] = 0
        values /= np.linalg.norm(values, axis=2, keepdims=True).clip(1e-6)
        return values, mask

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return one sample's files, and how to read them."""
        info = super().get_data_info(idx)
        info.update(
            map_kind=self.kind.name, map_format=dict(self.map_format), seg_fields=[]
        )
        if self.depth_unit is not None:
            info['depth_unit'] = self.depth_unit
        return info

    def find_fault(self, idx: int) -> None:
        """Read the image again; maps and masks name themselves. See the base."""
        read_image(self.get_data_info(idx)['img_path'])
