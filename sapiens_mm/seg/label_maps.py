"""Label images: class ids read from PNG files, checked, and brought to other classes.

A label image has one channel of ids, grey or with a palette; of a palette the indices
are read and not the colours. 255 means no label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import mmengine.fileio as fileio
import numpy as np

from sapiens_mm import images
from sapiens_mm.data.files import BadFileError
from sapiens_mm.tables.body_parts import (
    ATR_TO_28,
    CIHP_TO_28,
    IGNORE_INDEX,
    LIP_TO_28,
    PASCAL_TO_28,
    SOURCE_34_TO_28,
)

LABEL_SOURCES: dict[str, tuple[int, ...]] = {
    'goliath34': SOURCE_34_TO_28,
    'lip20': LIP_TO_28,
    'cihp20': CIHP_TO_28,
    'atr18': ATR_TO_28,
    'pascal25': PASCAL_TO_28,
}
"""Classes that files may hold -> for each id the one of the 28, or 255."""

_UNKNOWN = 254  # no vocabulary has so many classes


def decode_ids(data: bytes, name: str | Path) -> np.ndarray:
    """Read the ids of a label image.

    Args:
        data: Content of the file.
        name: What to call it in messages.

    Returns:
        Shape (H, W), uint8.

    Raises:
        BadFileError: If it is no image, has several channels, values above 255 or a
            lossy format.
    """
    try:
        ids, mode, kind = images.decode_ids(data, name)
    except images.ImageError as error:
        why = '' if error.reason == 'is not an image' else f': it {error.reason}'
        raise BadFileError(f'{name} is no readable label image{why}') from None
    if images.is_lossy(data, kind):
        raise BadFileError(f'{name} is a {kind}, which changes ids; labels are PNG')
    if ids.ndim != 2:
        raise BadFileError(
            f'{name} is an image of colours ({mode}); labels are one channel of class '
            'ids, grey or with a palette'
        )
    if ids.dtype.kind not in 'biu' or ids.min() < 0 or ids.max() > 255:
        raise BadFileError(
            f'{name} holds {ids.dtype} values of {ids.min()} to {ids.max()}; class ids '
            'are 0 to 255'
        )
    return ids.astype(np.uint8)


def lookup_table(
    num_classes: int, label_map: Mapping[int, int] | Sequence[int] | None = None
) -> np.ndarray:
    """Return the new id of each id in a file, 256 of uint8; 254 for ids out of range.

    Args:
        num_classes: C of the files if there is no map.
        label_map: Entry c is the new id of class c of the files, 255 for none. Files
            of 0 and 255 have an entry 255, too.
    """
    if label_map is None:
        label_map = range(num_classes)
    ids = label_map.items() if isinstance(label_map, Mapping) else enumerate(label_map)
    table = np.full(256, _UNKNOWN, np.uint8)
    # before the map, which may give 255 a class all the same
    table[IGNORE_INDEX] = IGNORE_INDEX
    for old, new in ids:
        table[old] = new
    return table


def check_label_map(label_map: Mapping[int, int], num_classes: int) -> dict[int, int]:
    """Check a map from ids of files to classes.

    Args:
        label_map: Id in the files -> class, or 255 for no label.
        num_classes: C of the model.

    Raises:
        ValueError: If it is empty, or an entry is out of range.
    """
    if not isinstance(label_map, Mapping) or not label_map:
        raise ValueError(
            'label_map must be a dict of ids in the files and classes, such as '
            f'{{0: 0, 255: 1}}; got {label_map!r}'
        )
    classes, checked = {*range(num_classes), IGNORE_INDEX}, {}
    for old, new in label_map.items():
        # mmengine writes keys of configs as text
        number = int(old) if isinstance(old, str) and old.isdecimal() else old
        if type(number) is not int or not 0 <= number <= 255 or new not in classes:
            raise ValueError(
                f'label_map has {old!r}: {new!r}; expected an id of 0 to 255, and a '
                f'class of 0 to {num_classes - 1} or 255 for no label'
            )
        checked[number] = int(new)
    return checked


def check_not_mask(ids: np.ndarray, info: Mapping[str, Any], name: str | Path) -> None:
    """Refuse a mask of 0 and 255 that is given as labels of two classes.

    255 is no label, so nobody would be trained or counted. Where a map of ids has an
    entry 255, it was meant.

    Args:
        ids: Shape (H, W), uint8, as in the file.
        info: ``num_classes`` and ``label_map`` of a data set.
        name: What to call the file in messages.

    Raises:
        BadFileError: If the ids are 0 and 255 and nothing else.
    """
    label_map = info.get('label_map')
    if info.get('num_classes') != 2 or (label_map and IGNORE_INDEX in label_map):
        return
    background, ignored = ids == 0, ids == IGNORE_INDEX
    if background.any() and ignored.any() and (background | ignored).all():
        raise BadFileError(
            f'{name} holds 0 and 255 only, as masks do, and 255 means no label: set '
            'label_map={0: 0, 255: 1} of the data set if 255 is class 1, or '
            '{0: 0, 1: 1, 255: 255} if it is no label'
        )


def map_ids(ids: np.ndarray, table: np.ndarray, name: str | Path) -> np.ndarray:
    """Bring ids to other classes.

    Args:
        ids: Shape (H, W), uint8.
        table: Of :func:`lookup_table`.
        name: What to call the file in messages.

    Returns:
        Shape (H, W), uint8.

    Raises:
        BadFileError: If an id is outside the list.
    """
    labels = cv2.LUT(ids, table)
    unknown = labels == _UNKNOWN
    if unknown.any():
        known = np.flatnonzero(table[:IGNORE_INDEX] != _UNKNOWN)
        wrong = np.unique(ids[unknown])
        listed = ', '.join(map(str, wrong[:5])) + ', …' * (len(wrong) > 5)
        expected = f'{known[0]} to {known[-1]}' if len(known) else 'none'
        if len(known) and len(known) <= known[-1] - known[0]:  # with gaps
            expected = ', '.join(map(str, known))
        raise BadFileError(
            f'{name} holds the ids {listed} at {unknown.sum()} of {ids.size} pixels; '
            f'expected {expected}, or 255 for no label'
        )
    return labels


def check_sample(
    info: Mapping[str, Any],
    *,
    allow_empty: bool = False,
    backend_args: dict | None = None,
) -> np.ndarray:
    """Read image and labels of a sample completely.

    Args:
        info: Of a data set: ``img_path``, ``seg_map_path``, ``num_classes`` and
            ``label_map``.
        allow_empty: Take labels without a part.
        backend_args: Of mmengine's file backends.

    Returns:
        The labels, (H, W) uint8, in the classes of the model.

    Raises:
        BadFileError: About the first thing that is wrong with either file.
    """
    path, label_path = info['img_path'], info['seg_map_path']
    data = _read(path, backend_args)
    if not data:
        raise BadFileError(f'{path} is no image but empty')
    image = images.decode_color(data, path)
    table = lookup_table(info['num_classes'], info.get('label_map'))
    ids = decode_ids(_read(label_path, backend_args), label_path)
    check_not_mask(ids, info, label_path)
    labels = map_ids(ids, table, label_path)
    check_size(labels, image.shape[:2], label_path, path)
    if not allow_empty:
        check_not_empty(labels, label_path)
    return labels


def _read(path: str, backend_args: dict | None) -> bytes:
    try:
        return fileio.get(path, backend_args=backend_args)
    except OSError as error:
        raise BadFileError(f'{path} cannot be read: {error.strerror}') from None


def check_size(
    labels: np.ndarray, image_hw: tuple[int, int], name: str | Path, image: str | Path
) -> None:
    """Refuse labels of another size than their image.

    Raises:
        BadFileError: Names both files and sizes.
    """
    if labels.shape != tuple(image_hw):
        sizes = ['{1} x {0}'.format(*hw) for hw in (labels.shape, image_hw)]
        raise BadFileError(
            f'{name} is {sizes[0]} pixels (W x H), its image {image} {sizes[1]}'
        )


def check_not_empty(labels: np.ndarray, name: str | Path) -> None:
    """Refuse labels without any part.

    Raises:
        BadFileError: If all pixels are background or unlabelled.
    """
    if not ((labels > 0) & (labels != IGNORE_INDEX)).any():
        what = 'background' if (labels == 0).any() else 'without a label'
        raise BadFileError(f'{name} holds no part: it is {what} everywhere')
