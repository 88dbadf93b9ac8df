"""Load a continuous map and its mask, checked."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from sapiens_mm.geometry import map_checks
from sapiens_mm.geometry.axes import parse_axes, to_our_frame
from sapiens_mm.geometry.map_encodings import (
    check_encoding,
    read_known,
    unknown_value,
)
from sapiens_mm.geometry.map_files import read_mask
from sapiens_mm.geometry.map_kinds import map_kind
from sapiens_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SapiensLoadMap(BaseTransform):
    """Load the map and mask that a :class:`SapiensMapDataset` names.

    mmseg's ``LoadDepthAnnotation`` reads depth of one channel, without mask, axes or
    checks. In training this comes right after the image; in evaluation after the
    resizing, so that labels keep their own size.

    Reads ``map_path``, ``mask_path`` (may be None: every known pixel counts as a
    person), ``map_kind`` and ``map_format`` of ``results``. Adds ``gt_map``,
    (H, W) or (H, W, C) float32 in our frame, 0 where unknown, and ``gt_mask``, (H, W)
    uint8, 1 on people; both are named in ``seg_fields``, so that the host's resizing
    and cropping treat them as label maps. Relative depth that is 0 where it is near
    becomes 1 + depth.

    Args:
        min_facing: Least share of normals that face the camera; see
            :func:`~sapiens_mm.geometry.map_checks.check_normals`.

    Raises:
        BadFileError: When run, for a file that cannot be used.
    """

    def __init__(self, min_facing: float = 0.75) -> None:
        if not 0 <= min_facing <= 1:
            raise ValueError(f'min_facing must be in [0, 1], got {min_facing}')
        self.min_facing = min_facing

    def transform(self, results: dict) -> dict:
        """Load ``gt_map`` and ``gt_mask``; see the class."""
        kind = map_kind(results['map_kind'])
        form, path = results['map_format'], str(results['map_path'])
        values, known = read_known(path, kind, form)
        image_hw = results['ori_shape']
        map_checks.check_mask_shape(path, values.shape, image_hw, 'map')
        relative = form.get('near_is_zero', False)
        mask_path = results.get('mask_path')
        if mask_path is None:
            map_checks.check_background(path, known, relative)
            mask = known.astype(np.uint8)
            map_checks.check_people(path, mask)
        else:
            mask = read_mask(mask_path, form.get('mask_threshold', 0))
            map_checks.check_mask_shape(str(mask_path), mask.shape, image_hw, 'mask')
            map_checks.check_people(str(mask_path), mask)
            max_holes = form.get('max_holes', 0.0)
            map_checks.check_known(
                path, values, known, mask, max_holes, relative, unknown_value(form)
            )
            mask &= known
            map_checks.check_people(path, mask)
        # 0, as NaN would spread in resizing; the mask tells where it counts
        values[~known] = 0
        check_encoding(path, values, mask, kind, form)
        if kind.turns:
            axes = form.get('axes', 'xyz')
            map_checks.check_normals(path, values, mask, axes, self.min_facing)
            values = to_our_frame(values, parse_axes(axes))
            lengths = np.sqrt(map_checks.squared_lengths(values))
            # to length 1: losses and metrics take targets for unit vectors
            values /= np.where(known, lengths, 1)[..., None]
        else:
            map_checks.check_depth(path, values, mask)
            if relative:
                # ratios, logarithms and inverses of metrics want distances above 0
                values[known] -= map_checks.NEAREST_RELATIVE
        results['gt_map'], results['gt_mask'] = values, mask
        # appended: the host's transforms read this list
        results.setdefault('seg_fields', []).extend(['gt_map', 'gt_mask'])
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(min_facing={self.min_facing})'
