"""Which extra brings which host, and the error when one is missing."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# host package -> the pip line that brings it. mmpose is not an extra: its
# metadata demands chumpy and xtcocotools, which current pip cannot build.
PIP_LINES = {
    'mmengine': 'pip install sapiens_mm',
    'mmcv': 'pip install sapiens_mm',
    'mmpose': "pip install 'sapiens_mm[pose]' && pip install --no-deps mmpose==1.3.2",
    'mmseg': "pip install 'sapiens_mm[seg]'",
    'mmdet': "pip install 'sapiens_mm[det]'",
    'mmpretrain': "pip install 'sapiens_mm[pretrain]'",
    'av': "pip install 'sapiens_mm[demo]'",
    'OpenEXR': "pip install 'sapiens_mm[seg]'",
    'numba': "pip install 'sapiens_mm[synth]'",
    'gradio': "pip install 'sapiens_mm[webui]'",
}


# of what is one for the whole process: mmengine's scope, and PyTorch's random numbers
PROCESS_STATE = threading.RLock()


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Have mmengine look types up in a host, in one thread at a time.

    Its own ``overwrite_default_scope`` sets a value of the process: of two threads, one
    would look in the other's host, and the scope of one would stay behind.

    Args:
        name: ``default_scope`` of a config.
    """
    from mmengine.registry import DefaultScope

    with PROCESS_STATE, DefaultScope.overwrite_default_scope(name):
        yield


def is_installed(host: str) -> bool:
    """Tell whether ``host`` can be found, without importing it."""
    return importlib.util.find_spec(host) is not None


def require(*hosts: str) -> None:
    """Raise unless every host in ``hosts`` is installed.

    Args:
        hosts: Import names, such as ``'mmpose'``.

    Raises:
        ModuleNotFoundError: Names the missing host and the line that brings it.
    """
    for host in hosts:
        if not is_installed(host):
            line = PIP_LINES.get(host, f'pip install {host}')
            raise ModuleNotFoundError(
                f'{host} is needed here and is not installed; bring it with: {line}',
                name=host,
            )
