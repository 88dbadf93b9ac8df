"""Where this package keeps its configs and example images."""

from __future__ import annotations

import difflib
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
EXAMPLES = _PACKAGE / 'examples'
"""Folder of the images that come with the package."""


def config_root() -> Path:
    """Return the folder that holds ``pose/``, ``seg/``, ``depth/`` and so on.

    Raises:
        FileNotFoundError: If neither a checkout nor a wheel's copy is there.
    """
    for folder in (_PACKAGE.parent / 'configs', _PACKAGE / '.mim' / 'configs'):
        if (folder / '_base_').is_dir():
            return folder
    raise FileNotFoundError(
        f'No configs beside {_PACKAGE} (looked for ../configs and '
        '.mim/configs): the installation is incomplete, install sapiens_mm again.'
    )


def config_names() -> list[str]:
    """Return the names of all shipped configs, such as ``pose/sapiens_…``."""
    root = config_root()
    return sorted(
        path.relative_to(root).with_suffix('').as_posix()
        for path in root.glob('*/*.py')
        if path.parent.name != '_base_'
    )


def config_path(name: str | Path) -> Path:
    """Find a config by its name, or pass an existing path through.

    Args:
        name: A name such as ``'pose/sapiens_0.3b_coco17-1024x768'`` (``.py`` is
            optional), the file name alone where it is unique, or a path.

    Returns:
        Path of an existing ``.py`` file.

    Raises:
        ValueError: If there is no such config; the message names near ones.
    """
    path = Path(name)
    if path.suffix == '.py' and path.is_file():
        return path
    wanted = str(name).removesuffix('.py').replace('\\', '/')
    root = config_root()
    # not with_suffix: the dot of 'sapiens_0.3b' is no suffix
    candidate = root / f'{wanted}.py'
    if candidate.is_file():
        return candidate
    known = config_names()
    same_stem = [n for n in known if n.rpartition('/')[2] == wanted]
    if len(same_stem) == 1:
        return root / f'{same_stem[0]}.py'
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    hint = f'; did you mean {", ".join(near)}?' if near else ''
    raise ValueError(
        f'No config {str(name)!r}: neither a file nor one of the '
        f'{len(known)} configs of sapiens_mm{hint}'
    )


def example_image(name: str) -> Path | None:
    """Return an image of the package by its name, such as ``'astronaut'``.

    None if there is none of that name, or something of that name is in the current
    folder: then that is meant.
    """
    images = {image.stem: image for image in EXAMPLES.glob('*.jpg')}
    return images[name] if name in images and not Path(name).exists() else None
