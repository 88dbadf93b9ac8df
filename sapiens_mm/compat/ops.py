"""torchvision behind ``mmcv.ops`` when mmcv has no compiled extension.

Host bug: mmcv-lite, the only mmcv with a plain wheel, ships ``mmcv.ops`` without the
``mmcv._ext`` that every file in it loads, and mmdet, mmseg and mmpose import it; mmcv
proper has wheels for long outdated PyTorch only. Upstream:
https://github.com/open-mmlab/mmcv/issues/3310, and .../issues/3319 and 3329.
Delete this file and ``mmcv_ext/`` when mmcv has wheels for every PyTorch we support.

Served are the operators that detectors, segmentors and pose estimators need; they are
listed in ``SERVED``, with the file of ``mmcv_ext`` that has them. Every other name
answers with a function that raises.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import NoReturn

from sapiens_mm.compat import hooks

SERVED = {
    'boxes': ('nms', 'softnms', 'nms_match', 'bbox_overlaps'),
    'rois': (
        'roi_align_forward',
        'roi_align_backward',
        'roi_pool_forward',
        'roi_pool_backward',
    ),
    'deform': (
        'deform_conv_forward',
        'deform_conv_backward_input',
        'deform_conv_backward_parameters',
        'modulated_deform_conv_forward',
        'modulated_deform_conv_backward',
        'ms_deform_attn_forward',
        'ms_deform_attn_backward',
    ),
    'losses': (
        'sigmoid_focal_loss_forward',
        'sigmoid_focal_loss_backward',
        'softmax_focal_loss_forward',
        'softmax_focal_loss_backward',
    ),
}
"""Names of ``mmcv._ext`` that we answer, by file of ``mmcv_ext``."""


def install() -> hooks.Provision:
    """Serve ``mmcv._ext`` if the real one cannot be imported.

    Returns:
        Tells, once somebody imported ``mmcv.ops``, whether ours is in use and why.
    """
    return hooks.provide('mmcv._ext', make_extension)


def make_extension() -> ModuleType:
    """Build the module; every attribute that is not served raises when called."""
    extension = ModuleType('mmcv._ext', 'Operators of mmcv served by sapiens_mm.')
    for file, names in SERVED.items():
        source = importlib.import_module(f'sapiens_mm.compat.mmcv_ext.{file}')
        for name in names:
            setattr(extension, name, getattr(source, name))
    extension.get_compiler_version = _compiler_version
    extension.get_compiling_cuda_version = _cuda_version
    extension.__getattr__ = _unserved  # PEP 562: asked for names that are not there
    return extension


def _unserved(name: str) -> Callable[..., NoReturn]:
    # inspect and pickle ask for these, and take an AttributeError for no
    if name.startswith('__'):
        raise AttributeError(name)

    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise RuntimeError(
            f"mmcv's operator {name!r} is compiled code, which mmcv-lite lacks and "
            'sapiens_mm does not replace. Install a full mmcv instead of mmcv-lite: '
            'https://mmcv.readthedocs.io/en/latest/get_started/installation.html'
        )

    refuse.__name__ = refuse.__qualname__ = name
    return refuse


def _compiler_version() -> str:
    import torchvision

    return f'none (operators served by torchvision {torchvision.__version__})'


def _cuda_version() -> str:
    import torch

    return torch.version.cuda or 'not available'
