"""The models that the web page offers: listed at the start, loaded when first used."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sapiens_mm.apis.build import pick_device
from sapiens_mm.apis.inferencer import Inferencer
from sapiens_mm.apis.person_boxes import Detector, make_detector
from sapiens_mm.checkpoints.bundled import NOTE
from sapiens_mm.runs.image_run import INFERENCERS
from sapiens_mm.runs.jobs import (
    RANDOM_NOTE,
    Job,
    pick_detector,
    plan_jobs,
)
from sapiens_mm.runs.requests import ModelRequest, WebRequest
from sapiens_mm.tasks import TASKS
from sapiens_mm.webui.request import Menu


@dataclass(frozen=True)
class Choice:
    """A model as the page names it.

    Attributes:
        label: In the menu, one of its kind in its task.
        job: Task, config and weights.
        note: What to think of the weights; '' for those of the user.
    """

    label: str
    job: Job
    note: str = ''


class ModelStore:
    """Lists models by task and keeps those that were used.

    Args:
        request: What the page is asked to offer.

    Raises:
        ValueError: If a checkpoint fits no task, or the device is not there.
    """

    def __init__(self, request: WebRequest) -> None:
        self.device = pick_device(request.device)
        self.dtype = request.dtype
        # names without a suffix are those of make_detector, which checks them itself
        path = Path(request.detector or '')
        if path.suffix and not path.is_file():
            raise ValueError(
                "--detector must be a name like 'rtmdet' or the path of a checkpoint, "
                f'got {request.detector}'
            )
        given = given_jobs(request)
        self.choices = {task: list_choices(task, given) for task in TASKS}
        first = [choices[0].job for choices in self.choices.values()]
        self.detector_source = pick_detector(request.detector, first)
        self._models: dict[Job, Inferencer] = {}
        self._detector: Detector | None = None

    @property
    def menu(self) -> Menu:
        """What the page offers."""
        labels = {
            task: tuple(choice.label for choice in choices)
            for task, choices in self.choices.items()
        }
        return Menu(labels, self.detector_source is not None)

    def find(self, task: str, label: str | None) -> Choice:
        """Return a choice by its label, or the first for None.

        Raises:
            ValueError: If the task has no such model.
        """
        choices = self.choices[task]
        for choice in choices:
            if label in (None, choice.label):
                return choice
        raise ValueError(
            f'There is no model {label!r} for {task}; there is '
            f'{", ".join(repr(choice.label) for choice in choices)}'
        )

    def has(self, choice: Choice, detector: bool = False) -> bool:
        """Tell whether a model, and the detector, need not be loaded any more."""
        there = self._detector is not None or self.detector_source is None
        return choice.job in self._models and (there or not detector)

    def model(self, choice: Choice) -> tuple[Inferencer, float]:
        """Return the model and how many seconds loading it took, 0 if it was there."""
        job = choice.job
        if job in self._models:
            return self._models[job], 0.0
        started = time.perf_counter()
        options = dict(device=self.device, dtype=self.dtype)
        model = INFERENCERS[job.task](job.config, job.checkpoint, **options)
        self._models[job] = model
        return model, time.perf_counter() - started

    def detector(self) -> Callable | None:
        """Return the person detector; None if the command line names none."""
        if self._detector is None and self.detector_source is not None:
            self._detector = make_detector(self.detector_source, self.device)
        return self._detector


def list_choices(task: str, given: list[Job]) -> list[Choice]:
    """List the models of a task: those of the command line, then the project's own."""
    planned = [(job, '') for job in given if job.task == task]
    for job in plan_jobs(ModelRequest(task=(task,))):
        planned.append((job, RANDOM_NOTE if job.checkpoint is None else NOTE))
    choices: list[Choice] = []
    for job, note in planned:
        if any(choice.job == job for choice in choices):
            continue
        # not with_suffix: 0.3b has a dot too
        config = Path(job.config or job.task).name.removesuffix('.py')
        kind = {RANDOM_NOTE: 'random weights', NOTE: 'tiny demo weights'}.get(note)
        label = f'{config} ({kind or Path(job.checkpoint).name})'
        number = sum(choice.label.startswith(label) for choice in choices)
        choices.append(Choice(f'{label} {number + 1}' if number else label, job, note))
    return choices


def given_jobs(request: WebRequest) -> list[Job]:
    """Return the models of the command line.

    Raises:
        ValueError: If a checkpoint fits no task, or ``--config`` has not just one.
    """
    if request.config and len(request.checkpoint) != 1:
        raise ValueError('--config goes with one --checkpoint')
    jobs = []
    for source in request.checkpoint:  # one by one: several may be of one task
        jobs += plan_jobs(ModelRequest(checkpoint=(source,), config=request.config))
    return jobs
