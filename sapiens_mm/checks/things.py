"""Which kind of thing it is that a word names, and the check of that kind."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from sapiens_mm.checks.request import CheckRequest, Finding
from sapiens_mm.paths import EXAMPLES, config_names, example_image

_CHECKPOINTS = ('.pth', '.pt', '.pt2', '.safetensors', '.ckpt', '.bin')
_ARRAYS = ('.npy', '.npz', '.exr')
_OTHERS = ('.txt', '.md', '.csv', '.log', '.yml', '.yaml', '.pkl', '.mp4', '.mat')
_ADDRESSES = ('hf://', 'https://', 'http://')


def check_thing(name: str, request: CheckRequest) -> Finding:
    """Say what a thing is, and what is wrong with it.

    Args:
        name: A path, an address, or the name of a config, a checkpoint or an image of
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
    if suffix in _CHECKPOINTS or (not suffix and _begins_as_weights(path)):
        from sapiens_mm.checks.checkpoints import check_checkpoint

        return check_checkpoint(path)
    if suffix in _ARRAYS:
        from sapiens_mm.checks.images import check_map

        return check_map(path)
    if suffix in _OTHERS:
        raise ValueError(
            f'{path} is no checkpoint, image, map, annotation file or config'
        )
    from sapiens_mm.checks.images import check_image

    return check_image(path)


def _begins_as_weights(path: Path) -> bool:
    with path.open('rb') as file:
        # a zip archive, or a pickle of protocol 2
        return file.read(4).startswith((b'PK\x03\x04', b'\x80\x02'))


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
    if image := example_image(name):
        from sapiens_mm.checks.images import check_image

        return check_image(image)
    from sapiens_mm.checkpoints import find_bundled, find_released, released_files
    from sapiens_mm.checkpoints.bundled import BUNDLED
    from sapiens_mm.checks.checkpoints import check_checkpoint, check_released

    if name.startswith(_ADDRESSES) or find_bundled(name) is not None:
        return check_checkpoint(name)
    if (released := find_released(name)) is not None:
        return check_released(released)
    models = [file.name for file in (*released_files(), *BUNDLED.values())]
    known = [*config_names(), *models, *(p.stem for p in EXAMPLES.glob('*.jpg'))]
    near = difflib.get_close_matches(wanted, known, n=2, cutoff=0.7)
    hint = f'; did you mean {" or ".join(near)}?' if near else ''
    raise ValueError(f'{name} does not exist{hint}')
