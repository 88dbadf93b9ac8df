"""Turn whatever names a checkpoint into a local file, downloading if needed."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from sapiens_mm.checkpoints import bundled
from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.fetch import (
    checkpoint_folders,
    downloaded,
    from_hub,
    from_url,
    url_place,
)
from sapiens_mm.checkpoints.zoo import ReleasedFile, find_released, released_files


def resolve(source: str | os.PathLike) -> Path:
    """Turn whatever names a checkpoint into a local file, downloading if needed.

    Folders of :func:`~sapiens_mm.checkpoints.fetch.checkpoint_folders` are searched
    before the network is used.

    Args:
        source: A path; ``hf://org/repo/path/file.pth`` with an optional
            ``@revision``; an ``https://`` address; the name of a released file,
            such as ``'sapiens_0.3b_coco_best_coco_AP_796'``, or of a bundled one;
            ``'sapiens_1b'``, the pretrained encoder of that size; or
            ``'pose/sapiens_0.3b_coco17-1024x768:official'``.

    Raises:
        CheckpointError: If there is no such file, or it cannot be had here; then
            the sentence says what to fetch and where to put it.
    """
    text = os.fspath(source)
    if text.startswith(('hf://', 'https://', 'http://')):
        known = next((f for f in released_files() if text in f.sources), None)
        return _fetch(text, known)
    path = Path(text).expanduser()
    known = find_released(text)
    try:
        # a folder may well be called sapiens_1b, and is no checkpoint
        if not isinstance(source, str) or path.is_file():
            return path
        if path.exists() and known is None:
            return path
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        reason = getattr(error, 'strerror', None) or error
        raise CheckpointError(
            f'There is no checkpoint {text[:200]}: {reason}.'
        ) from None
    own = bundled.find_bundled(text)
    if own is not None:
        return own.path
    if known is None:
        raise CheckpointError(f'There is no checkpoint {text}{_advice(path)}.')
    for folder in checkpoint_folders():
        local = _search(folder, known.filename)
        if local is not None:
            return local
    for place in known.sources[:-1]:
        try:
            return _fetch(place, known)
        except FileNotFoundError:
            continue  # moved: the next place has it
    return _fetch(known.sources[-1], known)


def find_here(file: ReleasedFile) -> Path | None:
    """Return where a released file is on this machine, without the network.

    It may have been put into a checkpoint folder by hand, or downloaded before.
    """
    for folder in checkpoint_folders():
        local = _search(folder, file.filename)
        if local is not None:
            return local
    for source in file.sources:
        path = downloaded(source)
        if path is not None:
            return path
    return None


def _advice(path: Path) -> str:
    known = find_released(path.name)
    if known is not None:
        return f'; to download it, give its name alone: {known.name}'
    names = [file.name for file in (*released_files(), *bundled.BUNDLED.values())]
    names += [file.short_name for file in released_files() if file.short_name]
    # not path.stem: the dot of 'sapiens_0.3b' is no suffix
    wanted = path.name.removesuffix('.pth').removesuffix('.pt2')
    near = difflib.get_close_matches(wanted, names, n=2, cutoff=0.6)
    return f'; did you mean {" or ".join(near)}?' if near else ''


def _search(folder: Path, relative: str) -> Path | None:
    direct = folder / relative
    if direct.is_file():
        return direct
    if '/' in relative or not folder.is_dir():
        return None
    return next((p for p in sorted(folder.rglob(relative)) if p.is_file()), None)


def _fetch(url: str, known: ReleasedFile | None) -> Path:
    """Find or download one address; FileNotFoundError only if others are left."""
    on_hub = url.startswith('hf://')
    relative, _, revision = url.removeprefix('hf://').partition('@')
    parts = relative.split('/', 2)
    if on_hub and (len(parts) < 3 or not all(parts)):
        raise CheckpointError(
            f'{url} is no hub address, expected hf://org/repo/path/file[@revision].'
        )
    own_place = relative if on_hub else url_place(url)
    local = _from_folders(own_place, known)
    if local is not None:
        return local
    place = known.filename if known else own_place
    licence = known.licence if known else 'not known here, ask its source'
    try:
        if not on_hub:
            return from_url(url, licence, place, known.sha256 if known else None)
        repo = f'{parts[0]}/{parts[1]}'
        return from_hub(repo, parts[2], revision or None, licence, place)
    except FileNotFoundError as error:
        if known is not None and url != known.sources[-1]:
            raise
        raise CheckpointError(f'{error}.') from error


def _from_folders(relative: str, known: ReleasedFile | None) -> Path | None:
    """Look for a file that was put in place by hand, by address or known name."""
    names = [relative, known.filename] if known else [relative]
    for folder in checkpoint_folders():
        for name in names:
            local = _search(folder, name)
            if local is not None:
                return local
    return None
