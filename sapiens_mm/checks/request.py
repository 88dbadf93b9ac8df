"""What ``sapiens check`` is asked to do, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CheckRequest:
    """What ``sapiens check`` is asked to do.

    Attributes:
        things: Paths, and names of configs and checkpoints; none: the environment.
        images: Of annotation files: folder to look for the images in.
        keypoints: Of annotation files: keypoints of a person; None: what the records
            show.
        split: Of configs of parts: the data set that is read, one of ``SPLITS``.
        report: Of configs of parts: a file that names all that is at fault.
        workers: Threads that read a data set.
        cfg_options: KEY=VALUE words, changes to the configs.

    Raises:
        ValueError: If ``workers`` is below 1.
    """

    things: tuple[str, ...] = ()
    images: Path | None = None
    keypoints: int | None = None
    split: str = 'train'
    report: Path | None = None
    workers: int = 4
    cfg_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the number."""
        if self.workers < 1:
            raise ValueError(f'--workers must be at least 1, got {self.workers}')


@dataclass(frozen=True)
class Finding:
    """What was found out about a thing.

    Attributes:
        text: A paragraph: what it is, and what is wrong with it.
        is_faulty: Something is wrong with it.
    """

    text: str
    is_faulty: bool = False
