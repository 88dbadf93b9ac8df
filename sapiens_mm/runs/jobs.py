"""Which models run: from checkpoints, from a config, or those by default."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2

from sapiens_mm.apis.choose import recognise
from sapiens_mm.checkpoints import find_bundled
from sapiens_mm.checkpoints.bundled import BUNDLED, NOTE
from sapiens_mm.checkpoints.identify import POSE_DATASETS
from sapiens_mm.runs.requests import ModelRequest
from sapiens_mm.tasks import TASKS
from sapiens_mm.vocabulary import VocabularyWarning

CAPTIONS = dict(pose='pose', seg='parts', depth='depth', normal='normals')
RELIEF_CAPTION = 'relief of depth'
RANDOM_NOTE = 'RANDOM WEIGHTS: the image means nothing'


@dataclass(frozen=True)
class Job:
    """One model to run.

    Attributes:
        task: One of ``TASKS``.
        config: Name or path of its config; None: the checkpoint holds it.
        checkpoint: Its weights, or None for random ones.
    """

    task: str
    config: str | None
    checkpoint: Path | None

    @property
    def config_name(self) -> str:
        """The config's name or path, as far as it has one."""
        return self.config or 'the config it was trained with'

    @property
    def bundled(self) -> bool:
        """Whether the weights are the small ones of the package."""
        if self.checkpoint is None:
            return False
        path = Path(self.checkpoint)
        own = find_bundled(path.stem)
        return own is not None and own.path == path

    @property
    def weights_id(self) -> str | None:
        """What tells these weights from others, later ones of the same name too."""
        return None if self.checkpoint is None else identity_of(self.checkpoint)

    @property
    def title(self) -> str:
        """What its image shows, and what is to be known of the weights."""
        name = CAPTIONS[self.task]
        if self.checkpoint is None:
            return f'{name} (random weights)'
        return f'{name} (tiny weights)' if self.bundled else name

    @property
    def weights_note(self) -> str:
        """What to think of the weights; '' for those of the user."""
        if self.checkpoint is None:
            return RANDOM_NOTE
        return NOTE if self.bundled else ''

    @property
    def headline(self) -> str:
        """The line that announces a run: task, config, and what the weights are."""
        weights = self.weights_note or self.checkpoint
        return f'{self.task}: {self.config_name} ({weights})'


def identity_of(file: Path) -> str:
    """Tell a file from others, and from later ones of the same name."""
    path = Path(file).resolve()
    stat = path.stat()
    return f'{path} ({stat.st_size} bytes, {stat.st_mtime_ns})'


def show_notes() -> None:
    """Print what nothing else says of models, and keep all other warnings quiet.

    Of broken images too, which are told in a sentence: OpenCV has a log for the whole
    process, so this is for its start.
    """
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    warnings.simplefilter('ignore')
    warnings.simplefilter('always', VocabularyWarning)
    warnings.showwarning = lambda message, *_args, **_kwargs: print(
        f'note: {message}', file=sys.stderr, flush=True
    )


def plan_jobs(request: ModelRequest) -> list[Job]:
    """Decide which models run, in the order of ``TASKS``.

    Args:
        request: What is asked for.

    Raises:
        ValueError: If a checkpoint fits no task, or two of them the same one.
    """
    if request.config and len(request.checkpoint) > 1:
        raise ValueError('--config goes with one --checkpoint')
    wanted = list(request.task or ())
    jobs: dict[str, Job] = {}
    for source in request.checkpoint:
        found = recognise(source)
        path, task = found.path, found.identity.task
        if task not in TASKS:
            raise ValueError(
                f'{path} is {found.identity.describe()}; what runs is '
                f'{", ".join(TASKS)}'
            )
        if task in jobs:
            raise ValueError(f'Two checkpoints are for {task}: give one a task')
        # of a config that is no file, the inferencer asks the checkpoint again
        jobs[task] = Job(task, request.config or found.config_name(), path)
    if request.config and not request.checkpoint:
        task = Path(request.config).parent.name
        if task not in TASKS:
            raise ValueError(f'--config {request.config}: cannot tell its task')
        jobs[task] = Job(task, request.config, None)
    if 'all' in wanted or not (wanted or jobs):
        wanted = list(TASKS)
    for task in wanted:
        # what a checkpoint was given for keeps its job
        jobs.setdefault(task, default_job(task, request.size, request.keypoints))
    if request.task and 'all' not in request.task:
        unused = [task for task in jobs if task not in request.task]
        if unused:
            raise ValueError(
                f'The checkpoint is for {unused[0]}, the task asked for is '
                f'{", ".join(request.task)}'
            )
    return [jobs[task] for task in TASKS if task in jobs]


def default_job(task: str, size: str | None, keypoints: int | None) -> Job:
    """Return what runs without a checkpoint: the small model of the package.

    Where it has none, or a size or a number of keypoints is named, that is a model
    with random weights, to try the pipeline.
    """
    if size is None and keypoints is None and task in BUNDLED:
        return Job(task, BUNDLED[task].config, BUNDLED[task].path)
    dataset = {
        'pose': POSE_DATASETS[keypoints or 308],
        'seg': 'goliath28',
    }.get(task, 'render_people')
    return Job(task, f'{task}/sapiens_{size or "0.3b"}_{dataset}-1024x768', None)


def pick_detector(wanted: str | None, jobs: list[Job]) -> str | None:
    """Say which person detector runs with some models.

    Args:
        wanted: ``--detector``; ``'none'`` for none. None takes the small one of the
            package, if it has one, with its own small models.
        jobs: The models.
    """
    if wanted is None and 'det' in BUNDLED and any(job.bundled for job in jobs):
        return 'tiny'
    return None if wanted == 'none' else wanted
