"""What image and video read from their requests: inputs, boxes, clean-up, names."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np

from sapiens_mm.apis.images import ImageError, find_images, is_image_name
from sapiens_mm.apis.label_cleanup import CleanUp
from sapiens_mm.runs.media_kinds import is_video, videos_sentence


def find_input_images(inputs: list[str]) -> tuple[list[Path], dict[str, str]]:
    """Find the images of a command line.

    Returns:
        The images, and why some of them cannot be: videos belong to another verb.

    Raises:
        ValueError: If there is none, or nothing but videos; one sentence.
    """
    try:
        found = list(find_images(inputs))
        errors = [each for each in found if isinstance(each, ImageError)]
        paths = [Path(each) for each in found if each not in errors]
        if not paths:
            raise errors[0]
    except ImageError as error:
        folders = [Path(item) for item in inputs if Path(item).is_dir()]
        if any(is_video(path) for folder in folders for path in folder.rglob('*')):
            raise ValueError(f'{error}; its videos: sapiens video') from None
        raise
    if not any(image.exists() for image in paths):
        raise ValueError(f'{paths[0]} does not exist')
    if sentence := videos_sentence(paths):  # of a list of files, say
        raise ValueError(sentence)
    # other files than images come here by their own names only
    videos = [path for path in paths if not is_image_name(path) and is_video(path)]
    reasons = {str(v): videos_sentence([v]).removeprefix(f'{v} ') for v in videos}
    reasons |= {str(error): 'left out' for error in errors}
    return paths, reasons


def check_videos(inputs: list[str]) -> list[Path]:
    """Return the videos of a command line.

    Raises:
        ValueError: If one is a folder or an image; one sentence.
    """
    videos = [Path(item) for item in inputs]
    for video in videos:
        if video.is_dir():
            raise ValueError(
                f'{video} is a folder: name its video files, or run '
                f'sapiens image {shlex.quote(str(video))} for its images'
            )
        # an animated GIF is both
        if is_image_name(video) and video.suffix.lower() != '.gif' and video.is_file():
            name = shlex.quote(str(video))
            raise ValueError(f'{video} is an image: run sapiens image {name}')
    return videos


def parse_boxes(text: str | None) -> np.ndarray | None:
    """Read ``--boxes``.

    Raises:
        ValueError: If it is not a list of lists of four numbers.
    """
    if text is None:
        return None
    try:
        boxes = np.array(json.loads(text), float)
    except (ValueError, TypeError, RecursionError):  # thousands of brackets
        boxes = np.zeros(0)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise ValueError(f'--boxes must look like [[x1, y1, x2, y2], …], got {text}')
    return boxes


def parse_cleanup(words: list[str] | None) -> CleanUp | None:
    """Read ``--cleanup``.

    Raises:
        ValueError: If a word is not KEY=VALUE, or the key or value is wrong.
    """
    if words is None:
        return None
    values = {}
    for word in words:
        key, _, text = word.partition('=')
        try:
            values[key] = int(text) if key == 'min_area' else float(text)
        except ValueError:
            raise ValueError(
                f'--cleanup takes KEY=VALUE like keep=0.1, got {word!r}'
            ) from None
    return CleanUp.from_user(values)
