"""Label images of other data sets as label images of the 28 parts.

Also PASCAL-Part's own files, one ``.mat`` of MATLAB an image, which hold a mask for
each object and each part of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from sapiens_mm.data.files import BadFileError
from sapiens_mm.seg.label_maps import (
    IGNORE_INDEX,
    LABEL_SOURCES,
    decode_ids,
    lookup_table,
    map_ids,
)

# PASCAL-Part's names in the order of PASCAL_CLASSES without the background
PASCAL_PARTS = (
    *('head', 'leye', 'reye', 'lear', 'rear', 'lebrow', 'rebrow', 'nose', 'mouth'),
    *('hair', 'torso', 'neck', 'llarm', 'luarm', 'lhand', 'rlarm', 'ruarm', 'rhand'),
    *('llleg', 'luleg', 'lfoot', 'rlleg', 'ruleg', 'rfoot'),
)


def list_labels(folder: str | Path, source: str) -> list[str]:
    """Return the label files below a folder, relative to it, sorted.

    Args:
        folder: Where to look.
        source: One of ``LABEL_SOURCES``; ``pascal25`` has ``.mat`` files too.

    Raises:
        ValueError: If there is none, or two would be written to one file.
    """
    if not os.path.isdir(folder):
        raise ValueError(f'{folder} is not a folder')
    suffixes = ('.png', '.mat') if source == 'pascal25' else ('.png',)
    names = sorted(
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, _, files in os.walk(folder, followlinks=True)
        for name in files
        if name.lower().endswith(suffixes) and not name.startswith('.')
    )
    if not names:
        raise ValueError(f'{folder} holds no {" and no ".join(suffixes)} file')
    outputs: dict[str, str] = {}
    for name in names:
        twin = outputs.setdefault(output_name(name), name)
        if twin != name:
            raise ValueError(f'{folder}: {twin} and {name} would be one file')
    return names


def output_name(name: str) -> str:
    """Return the name of a converted file: the same, as ``.png``."""
    return os.path.splitext(name)[0] + '.png'


def convert_file(path: str | Path, source: str) -> bytes:
    """Convert one label file.

    Args:
        path: PNG, or ``.mat`` of PASCAL-Part.
        source: One of ``LABEL_SOURCES``.

    Returns:
        PNG, 8-bit grey, of ids of the 28 parts; 255 where a class has no part in them.

    Raises:
        BadFileError: If the file cannot be read or holds an id outside the list.
    """
    if str(path).lower().endswith('.mat'):
        ids = read_pascal_parts(path)
    else:
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise BadFileError(f'{path} cannot be read: {error.strerror}') from None
        ids = decode_ids(data, path)
    # with a map the number of classes is not asked for
    labels = map_ids(ids, lookup_table(0, LABEL_SOURCES[source]), path)
    ok, encoded = cv2.imencode('.png', labels)
    assert ok, 'OpenCV encodes any (H, W) uint8'
    return encoded.tobytes()


def convert_files(
    folder: str | Path,
    names: Iterable[str],
    source: str,
    write: Callable[[str, bytes], None],
    workers: int = 4,
) -> Iterator[str | None]:
    """Convert label files with threads.

    Args:
        folder: Of the files.
        names: Files, relative to it.
        source: One of ``LABEL_SOURCES``.
        write: Called with the output's name and content, in a thread.
        workers: Threads.

    Yields:
        For each file, in order, None or a sentence that says what is wrong with it.
    """

    def convert(name: str) -> str | None:
        try:
            content = convert_file(os.path.join(folder, name), source)
        except BadFileError as error:
            return str(error)
        write(output_name(name), content)
        return None

    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(convert, names)
    finally:  # also when interrupted: what is begun is finished, the rest is not
        pool.shutdown(cancel_futures=True)


def read_pascal_parts(path: str | Path) -> np.ndarray:
    """Read the people of a PASCAL-Part file.

    Parts are painted from the largest to the smallest, so that eyes lie on the head.
    What is left of a person is unlabelled; other objects are background.

    Args:
        path: A ``.mat`` file with ``anno``.

    Returns:
        Shape (H, W), uint8, ids of ``PASCAL_CLASSES``, 255 for unlabelled.

    Raises:
        BadFileError: If it is another file, or holds a part of an unknown name.
    """
    from scipy.io import loadmat

    try:
        objects = _as_list(loadmat(path, simplify_cells=True)['anno']['objects'])
        labels = np.zeros(objects[0]['mask'].shape, np.uint8)
        people = [each for each in objects if each['class'] == 'person']
        parts = []
        for person in people:
            labels[person['mask'] > 0] = IGNORE_INDEX
            for part in _as_list(person['parts']):
                parts.append((part['part_name'], part['mask'] > 0))
        for name, mask in sorted(parts, key=lambda part: -part[1].sum()):
            if name not in PASCAL_PARTS:
                raise BadFileError(f'{path} holds an unknown part of a person: {name}')
            labels[mask] = PASCAL_PARTS.index(name) + 1
    except BadFileError:
        raise
    except Exception as error:  # loadmat and foreign structures raise many types
        raise BadFileError(f'{path} is no PASCAL-Part annotation: {error}') from None
    return labels


def _as_list(structs: dict | np.ndarray) -> list[dict]:
    """Undo that SciPy takes a single struct out of its array."""
    return [structs] if isinstance(structs, dict) else list(np.ravel(structs))
