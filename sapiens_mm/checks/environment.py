"""What this installation is: versions, devices, hosts, patches, missing packages."""

from __future__ import annotations

import importlib.metadata
import os
import platform

from sapiens_mm import __version__, compat, hosts
from sapiens_mm.paths import config_root

# module -> names of the distributions that may bring it
_DISTRIBUTIONS = {
    'mmengine': ('mmengine', 'mmengine-lite'),
    'mmcv': ('mmcv', 'mmcv-lite'),
    'mmpose': ('mmpose',),
    'mmseg': ('mmsegmentation',),
    'mmdet': ('mmdet',),
    'mmpretrain': ('mmpretrain',),
    'numpy': ('numpy',),
    'cv2': ('opencv-python-headless', 'opencv-python', 'opencv-contrib-python'),
}


def describe_environment() -> str:
    """Return a paragraph; the hosts are imported to see which patches are active."""
    lines = [
        f'sapiens_mm {__version__} with configs in {config_root()}',
        f'Python {platform.python_version()} on {platform.platform(terse=True)}, '
        f'{os.cpu_count()} cores',
        _torch(),
        ', '.join(filter(None, map(_version, _DISTRIBUTIONS))),
        *_missing(),
        'patches:',
        *(f'  {name:14} {line}' for name, line in compat.status().items()),
    ]
    return '\n'.join(lines)


def _torch() -> str:
    import torch

    if not torch.cuda.is_available():
        return f'PyTorch {torch.__version__}, no GPU: models run on the CPU'
    names = map(torch.cuda.get_device_name, range(torch.cuda.device_count()))
    return f'PyTorch {torch.__version__} on {", ".join(names)}'


def _version(module: str) -> str:
    for name in _DISTRIBUTIONS[module]:
        try:
            return f'{name} {importlib.metadata.version(name)}'
        except importlib.metadata.PackageNotFoundError:
            continue
    return ''


def _missing() -> list[str]:
    """Name the optional packages that are not here, and the line that brings each."""
    return [
        f'missing: {name}, for which {line}'
        for name, line in hosts.PIP_LINES.items()
        if not hosts.is_installed(name)
    ]
