"""Goliath's captures, 344 keypoints in a file of their own each, as one 308 file.

A converter rather than a data set: every image has to be decoded to tell grey ones,
and samples that are dropped once, and counted, need no random replacement at training
time. The file that comes out is read, checked, drawn and evaluated like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sapiens_mm.data.files import fill_pattern, read_capture_index
from sapiens_mm.images import ImageError, decode_color
from sapiens_mm.pose.keypoint_files import (
    AREA_SHARE,
    annotation_fields,
    category,
    goliath_info,
    tight_box_xywh,
)
from sapiens_mm.tables.goliath308 import NUM_SOURCE_KEYPOINTS, SOURCE_IDS

# the official data set draws another sample below it
MIN_VISIBLE = 8


@dataclass
class CaptureCounts:
    """What became of the samples of an index.

    Attributes:
        kept: How many are in the file.
        grey: Images without colour.
        few_keypoints: Samples with fewer than eight visible keypoints.
        failed: A sentence for each sample that could not be read.
    """

    kept: int = 0
    grey: int = 0
    few_keypoints: int = 0
    failed: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """Say it in one line."""
        return (
            f'{self.kept} samples kept; dropped: {self.grey} grey images, '
            f'{self.few_keypoints} with fewer than {MIN_VISIBLE} visible keypoints; '
            f'{len(self.failed)} could not be read'
        )


def select_points(array: np.ndarray, image_hw: tuple[int, int]) -> np.ndarray:
    """Bring one capture's keypoints into the vocabulary of 308.

    Args:
        array: Shape (3, 344): x, y in pixels, and a flag. A flag of 0 says not
            annotated; one above 0 with negative coordinates, not visible.
        image_hw: Size of the image, (H, W) in pixels.

    Returns:
        Shape (308, 3), float64: x, y, and 2 for a visible keypoint, one that has a
        flag and lies strictly inside the image; zeros for any other.

    Raises:
        ValueError: If the array has another shape or type.
    """
    array = np.asarray(array)
    if array.shape != (3, NUM_SOURCE_KEYPOINTS) or array.dtype.kind not in 'iuf':
        raise ValueError(
            f'expected keypoints of the shape (3, {NUM_SOURCE_KEYPOINTS}), got '
            f'{array.shape} of {array.dtype}'
        )
    x, y, flag = array[:, list(SOURCE_IDS)].astype(np.float64)
    height, width = image_hw
    visible = (flag > 0) & (x > 0) & (x < width) & (y > 0) & (y < height)
    points = np.stack([x, y, np.full_like(x, 2)], axis=1)
    return np.where(visible[:, None], points, 0.0)


def is_grey(image: np.ndarray) -> bool:
    """Tell whether blue, green and red of an image (H, W, 3) are the same."""
    sparse = image[::16, ::16]  # colour nearly always shows here already
    return all(
        np.array_equal(part[..., 0], part[..., c])
        for part in (sparse, image)
        for c in (1, 2)
    )


def convert_captures(
    index_path: str | Path,
    root: str | Path,
    image_pattern: str = 'images/{sample_id}.jpg',
    keypoints_pattern: str = 'keypoints/{sample_id}.npy',
    workers: int = 4,
    progress: bool = False,
) -> tuple[dict[str, Any], CaptureCounts]:
    """Read captures into the content of one 308 file.

    Args:
        index_path: See :func:`~sapiens_mm.data.files.read_capture_index`.
        root: Folder that images and keypoints are in.
        image_pattern: Path of an image below ``root``; fields of the index in braces.
        keypoints_pattern: Path of its keypoints, NPY of the shape (3, 344).
        workers: Threads that read images.
        progress: Show a bar with rate and remaining time.

    Returns:
        The content, and what became of the samples. Image and annotation have the
        same id: the sample's place in the index, from 1, whatever else is dropped.

    Raises:
        ValueError: If the index or a pattern is wrong.
    """
    samples = read_capture_index(index_path)
    paths = [
        tuple(
            fill_pattern(pattern, sample)
            for pattern in (image_pattern, keypoints_pattern)
        )
        for sample in samples
    ]
    with ThreadPoolExecutor(workers) as pool:
        outcomes = _map_in_windows(pool, partial(_read, Path(root)), paths)
        if progress:
            from tqdm import tqdm

            outcomes = tqdm(outcomes, total=len(paths), unit='sample', disable=None)
        images, annotations, counts = _records(paths, outcomes)
    content = dict(
        info=dict(
            description='Goliath captures with 308 keypoints',
            goliath_info=goliath_info(),
        ),
        images=images,
        annotations=annotations,
        categories=[category(308)],
    )
    return content, counts


def _records(
    paths: list[tuple[str, ...]], outcomes: Iterable[Any]
) -> tuple[list[dict], list[dict], CaptureCounts]:
    """Write images and annotations of what :func:`_read` found, and count it."""
    counts = CaptureCounts()
    images, annotations = [], []
    for sample_id, (names, outcome) in enumerate(
        zip(paths, outcomes, strict=True), start=1
    ):
        if isinstance(outcome, str):
            if outcome in ('grey', 'few_keypoints'):
                setattr(counts, outcome, getattr(counts, outcome) + 1)
            else:
                counts.failed.append(outcome)
            continue
        points, (height, width) = outcome
        counts.kept += 1
        images.append(
            dict(id=sample_id, file_name=names[0], width=width, height=height)
        )
        annotations.append(_annotation(sample_id, points))
    return images, annotations, counts


def _annotation(sample_id: int, points: np.ndarray) -> dict[str, Any]:
    box = tight_box_xywh(points)
    assert box is not None, 'fewer than MIN_VISIBLE keypoints'
    return dict(
        id=sample_id,
        image_id=sample_id,
        category_id=1,
        iscrowd=0,
        bbox=box,
        area=round(AREA_SHARE * box[2] * box[3], 6),
        **annotation_fields(points),
    )


def _map_in_windows(
    pool: ThreadPoolExecutor, function: Any, items: list, size: int = 256
) -> Iterator[Any]:
    """Map in order with at most ``size`` results waiting."""
    # pool.map alone reads ahead of the caller without end
    for start in range(0, len(items), size):
        yield from pool.map(function, items[start : start + size])


def _read(root: Path, names: Iterable[str]) -> str | tuple[np.ndarray, tuple[int, int]]:
    """Return points and (H, W), or why the sample is left out."""
    image_path, keypoints_path = (root / name for name in names)
    try:
        image = decode_color(Path(image_path).read_bytes(), image_path)
        array = np.load(keypoints_path, allow_pickle=False)
        points = select_points(array, image.shape[:2])
    except (OSError, ImageError) as error:
        return str(error)
    except (ValueError, EOFError) as error:
        return f'{keypoints_path}: {error}'
    if is_grey(image):
        return 'grey'
    if (points[:, 2] > 0).sum() < MIN_VISIBLE:
        return 'few_keypoints'
    return points, image.shape[:2]
