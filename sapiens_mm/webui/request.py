"""What the page and the process of the models tell each other; needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

TITLES = {'pose': 'Pose', 'seg': 'Body parts', 'depth': 'Depth', 'normal': 'Normals'}


@dataclass(frozen=True)
class Menu:
    """What there is to choose from.

    Attributes:
        labels: Task to the labels of its models, the first by default.
        has_detector: Whether several persons can be looked for.
    """

    labels: dict[str, tuple[str, ...]]
    has_detector: bool


@dataclass(frozen=True)
class PageRequest:
    """What the page asks for.

    Attributes:
        image: Path of the upload, or None.
        task: One of ``TASKS``, or ``'all'``.
        models: Task to the label of its model; a task left out takes its first.
        detect: Look for persons with the detector.
        cut_out: Draw depth and normals on people only, found by the body parts.
        score_threshold: Keypoints below it are not drawn.
        opacity: Of body parts over the image.
        relief: Draw the surface that depth describes, too.
    """

    image: Path | None
    task: str = 'all'
    models: dict[str, str | None] = field(default_factory=dict)
    detect: bool = True
    cut_out: bool = True
    score_threshold: float = 0.3
    opacity: float = 0.5
    relief: bool = False


@dataclass(frozen=True)
class Ran:
    """A model that ran.

    Attributes:
        task: One of ``TASKS``.
        model: Its label.
        note: What to think of its weights, or ''.
        seconds: Without loading.
    """

    task: str
    model: str
    note: str
    seconds: float


@dataclass
class Answer:
    """What the page shows, growing while the models run.

    Attributes:
        doing: What is being done; '' at the end.
        loading: Whether that is loading a model, which no time limit counts.
        images: Path and caption.
        files: Data files.
        ran: The models that ran.
        notes: Sentences about the image and the results.
        errors: Sentences about what failed.
        seconds: From click to end.
        loading_s: The part of it that loading models took.
    """

    doing: str = 'Reading the image'
    loading: bool = False
    images: list[tuple[Path, str]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    ran: list[Ran] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    loading_s: float = 0.0
