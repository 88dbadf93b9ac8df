"""Which extra brings which host, and the error when one is missing."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# brought by requirements/core.txt, itself or through another package there
_CORE = (
    *('torch', 'torchvision', 'mmengine', 'mmcv', 'numpy', 'cv2', 'PIL', 'simplejpeg'),
    *('safetensors', 'huggingface_hub', 'filelock', 'tqdm', 'packaging', 'matplotlib'),
)
# import name -> the pip line that brings it. mmpose is not an extra: its
# metadata demands chumpy and xtcocotools, which current pip cannot build.
PIP_LINES = {
    **dict.fromkeys(_CORE, 'pip install sapiens_mm'),
    'mmpose': "pip install 'sapiens_mm[pose]' && pip install --no-deps mmpose==1.3.2",
    'mmseg': "pip install 'sapiens_mm[seg]'",
    'mmdet': "pip install 'sapiens_mm[det]'",
    'mmpretrain': "pip install 'sapiens_mm[pretrain]'",
    'prettytable': "pip install 'sapiens_mm[seg]'",
    'pycocotools': "pip install 'sapiens_mm[pose]'",
    'scipy': "pip install 'sapiens_mm[demo]'",
    'skimage': "pip install 'sapiens_mm[demo]'",
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
            raise ModuleNotFoundError(_needed(host), name=host)


def explain_missing(error: ModuleNotFoundError) -> str | None:
    """Say which line brings the package that an import did not find.

    Args:
        error: As Python or ``require`` raised it.

    Returns:
        None if it is no package of ours, or one that is there: a file inside it that
        is missing, or a module of the user's, is told best by the error itself.
    """
    package = (error.name or '').partition('.')[0]
    if package not in PIP_LINES or is_installed(package):
        return None
    return _needed(package)


def _needed(package: str) -> str:
    line = PIP_LINES.get(package, f'pip install {package}')
    return f'{package} is needed here and is not installed; bring it with: {line}'
