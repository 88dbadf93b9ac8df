"""Turns of the hue to the other side, in mmcv.

Host bug: mmcv 2.1.0's ``adjust_hue`` adds ``np.uint8(hue_factor * 255)`` and trusts
that -7 becomes 249; numpy 2 ends in ``OverflowError: Python integer -7 out of bounds
for uint8``. Half the draws of mmpretrain's ``ColorJitter(hue=...)`` are negative, so
too in the MoCo, SimCLR and BYOL pipelines. Upstream: torchvision had the same,
https://github.com/pytorch/vision/issues/8536; a fork of mmcv has repaired it,
https://github.com/VBTI-development/onedl-mmcv/pull/41.
Delete this file when mmcv takes the angle modulo 256 itself.

The hue is a circle of 256 steps, so the function is given a factor whose product is
that modulo: -7.65 becomes -7 and then 249, as numpy 1 and C have it.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

from sapiens_mm.compat import hooks, views

STEPS = 256


class _Turn(float):
    """A negative part of a full turn; multiplied, steps of the circle."""

    def __mul__(self, scale: float) -> int:
        # int() cuts towards 0, as C's cast to uint8 does
        return int(float(self) * scale) % STEPS


def install() -> hooks.Patch:
    """Let mmcv turn the hue to both sides, if numpy does not let it."""
    hooks.after('mmcv.image.photometric', _patch)
    return hooks.Patch(_describe)


def _patch(module: ModuleType) -> None:
    adjust = module.adjust_hue
    if not _numpy_refuses() or not views.says(adjust, 'np.uint8(hue_factor * 255)'):
        return

    @functools.wraps(adjust)
    def adjust_hue(
        img: object, hue_factor: float, *args: object, **options: object
    ) -> object:
        turn = _Turn(hue_factor) if hue_factor < 0 else hue_factor
        return adjust(img, turn, *args, **options)

    adjust_hue.turns_back = True
    views.replace(adjust, adjust_hue)


def _numpy_refuses() -> bool:
    import numpy as np

    try:
        np.uint8(-1)
    except OverflowError:
        return True
    return False


def _describe() -> str:
    module = importlib.import_module('mmcv.image.photometric')
    if hasattr(module.adjust_hue, 'turns_back'):
        return 'active: mmcv turns the hue to both sides'
    return 'stands aside: numpy and mmcv agree about a negative hue'
