"""Which kind of thing it is that a word names, and the check of that kind."""

from __future__ import annotations

import os
from pathlib import Path

from sapiens_mm.checks.request import CheckRequest, Finding
from sapiens_mm.paths import config_names, config_path, example_photo

_CHECKPOINTS = ('.pth', '.pt', '.pt2', '.safetensors', '.ckpt', '.bin')
_ARRAYS = ('.npy', '.npz', '.exr')
_ADDRESSES = ('hf://', 'https://', 'http://')


def check_thing(name: str, request: CheckRequest) -> Finding:
    """Say what a thing is, and what is wrong with it.

    Args:
        name: A path, an address, or the name of a config, a checkpoint or a photo of
            the package.
        request: The options.

    Raises:
        ValueError: If there is no such thing, or it is of no kind that is known.
        ModuleNotFoundError: If a host is missing that reads it.
    """
    path = Path(name).expanduser()
    if not _exists(path):
        return _check_name(name, request)
    if path.is_dir():
        from sapiens_mm.checks.folders import check_folder

        return check_folder(path)
    suffix = path.suffix.lower()
    if suffix == '.py':
        from sapiens_mm.checks.configs import check_config

        return check_config(name, request)
    if suffix == '.json':
        from sapiens_mm.checks.annotations import check_json

        return check_json(path, request)
    if suffix in _CHECKPOINTS:
        from sapiens_mm.checks.checkpoints import check_checkpoint

        return check_checkpoint(path)
    if suffix in _ARRAYS:
        from sapiens_mm.checks.pictures import check_map

        return check_map(path)
    from sapiens_mm.checks.pictures import check_picture

    return check_picture(path)


def _exists(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # a zero byte in the name
        return False


def _check_name(name: str, request: CheckRequest) -> Finding:
    """Check what is named otherwise than by a path."""
    wanted = name.removesuffix('.py')
    if any(wanted in (known, known.rpartition('/')[2]) for known in config_names()):
        from sapiens_mm.checks.configs import check_config

        return check_config(name, request)
    if photo := example_photo(name):
        from sapiens_mm.checks.pictures import check_picture

        return check_picture(photo)
    from sapiens_mm.checkpoints import find_bundled, find_released
    from sapiens_mm.checks.checkpoints import check_checkpoint, check_released

    if name.startswith(_ADDRESSES) or find_bundled(name) is not None:
        return check_checkpoint(name)
    if (released := find_released(name)) is not None:
        return check_released(released)
    if Path(name).suffix.lower() == '.py' or '/' not in name:
        config_path(name)  # names what is near
    raise ValueError(f'{name} does not exist')
