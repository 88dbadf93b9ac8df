"""Files of a sample: how its maps are stored, and where."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from sapiens_mm.synth.dataset.records import sample_name
from sapiens_mm.synth.sample import Sample

# kind -> folder below the data set's, suffix, name in tar shards
KINDS = {
    'image': ('images', '.jpg', 'jpg'),
    'labels': ('labels', '.png', 'labels.png'),
    'instances': ('instances', '.png', 'instances.png'),
    'depth': ('depth', '.png', 'depth.png'),
    'normal': ('normal', '.png', 'normals.png'),
    'normal_bump': ('normal_bump', '.png', 'normals_bump.png'),
}
# a sample without a record is not finished
RECORDS = 'samples'  # folder of one JSON file a sample, written last
JPEG_QUALITY = 92
_LEVEL = [cv2.IMWRITE_PNG_COMPRESSION, 6]
# smooth maps shrink by a tenth more this way; OpenCV 4.11 and later can
_UP = (
    [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    if hasattr(cv2, 'IMWRITE_PNG_FILTER')
    else []
)


def encode_sample(
    sample: Sample, kinds: Iterable[str], depth_mm: float
) -> dict[str, bytes]:
    """Return the content of the files of a sample.

    Args:
        sample: To store.
        kinds: Some of ``KINDS``.
        depth_mm: Unit of the stored depth, millimetres.

    Raises:
        ValueError: If somebody is too far away for that unit.
    """
    return {kind: _encode(sample, kind, depth_mm) for kind in kinds}


def _encode(sample: Sample, kind: str, depth_mm: float) -> bytes:
    if kind == 'image':
        return _encoded('.jpg', sample.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if kind == 'depth':
        array = depth_to_numbers(sample.depth, depth_mm)
    elif kind.startswith('normal'):
        normals = sample.normals if kind == 'normal' else sample.normals_bump
        array = np.ascontiguousarray(normals_to_bytes(normals)[..., ::-1])
    else:
        array = sample.labels if kind == 'labels' else sample.instances
    return _encoded('.png', array, [*_LEVEL, *_UP])


def _encoded(suffix: str, array: np.ndarray, options: list[int]) -> bytes:
    done, data = cv2.imencode(suffix, array, options)
    if not done:
        raise ValueError(f'OpenCV cannot encode {array.shape} as {suffix}')
    return data.tobytes()


def depth_to_numbers(depth: np.ndarray, depth_mm: float) -> np.ndarray:
    """Return depth in metres as (H, W) uint16 of a unit; 0 where nobody is.

    Raises:
        ValueError: If somebody is too far away.
    """
    numbers = np.rint(depth.astype(np.float64) * (1000 / depth_mm))
    farthest = float(depth.max(initial=0))
    if numbers.max(initial=0) > 65535:
        raise ValueError(
            f'somebody is {farthest:.1f} m away; 16 bits of {depth_mm:g} mm reach '
            f'{65.535 * depth_mm:.1f} m: use a larger unit of depth'
        )
    # what is nearer than half a unit is somebody still
    return np.where(depth > 0, np.maximum(numbers, 1), 0).astype(np.uint16)


def normals_to_bytes(normals: np.ndarray) -> np.ndarray:
    """Return normals as (H, W, 3) uint8, 255 (n + 1) / 2; 128 where nobody is."""
    return np.rint((normals.astype(np.float64) + 1) * 127.5).astype(np.uint8)


def file_of(root: Path, kind: str, split: str, index: int) -> Path:
    """Return the path of one of a sample's files."""
    folder, suffix, _ = KINDS[kind]
    return root / folder / split / f'{sample_name(index)}{suffix}'


def record_of(root: Path, index: int) -> Path:
    """Return the path of a sample's record."""
    return root / RECORDS / f'{sample_name(index)}.json'


class FolderListing:
    """Names in the folders of a data set, each folder listed once.

    Args:
        root: Folder of the data set.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._names: dict[Path, set[str]] = {}

    def __contains__(self, path: Path) -> bool:
        """Whether a file was there when its folder was listed."""
        folder = path.parent
        if folder not in self._names:
            self._names[folder] = set()
            if folder.is_dir():
                with os.scandir(folder) as entries:
                    self._names[folder] = {entry.name for entry in entries}
        return path.name in self._names[folder]
