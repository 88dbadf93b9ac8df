"""What happens after a click: the image is read, models run, files are written."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sapiens_mm.apis.results import PoseResult, Result, SegResult
from sapiens_mm.checkpoints.bundled import NOTE
from sapiens_mm.files import write_image
from sapiens_mm.saving.maps import sidecar_path
from sapiens_mm.saving.results import draw_result, write_data, write_palette
from sapiens_mm.tables import KeypointTable, PartTable
from sapiens_mm.tasks import MAP_TASKS, TASKS
from sapiens_mm.visualization import colorize_relief
from sapiens_mm.webui.images import check_image, read_image, sentence_of
from sapiens_mm.webui.models import Choice, ModelStore
from sapiens_mm.webui.request import TITLES, Answer, Menu, PageRequest, Ran


@dataclass(frozen=True)
class Done:
    """What a model returned.

    Attributes:
        choice: Which.
        result: Of the image.
        table: Keypoints or parts, where the model has them.
    """

    choice: Choice
    result: Result
    table: KeypointTable | PartTable | None

    @property
    def people(self) -> np.ndarray:
        """Where body parts are, (H, W) bool; nowhere with random weights."""
        trained = self.choice.job.checkpoint is not None
        return (self.result.labels > 0) & trained


class PageRun:
    """Turns requests into answers, one model at a time, in this process.

    Args:
        store: The models.
        folder: Where results go, in a folder a click, whose name nobody can guess.
        max_megapixels: Larger images are reduced to this.
    """

    def __init__(
        self, store: ModelStore, folder: Path, max_megapixels: float = 16.0
    ) -> None:
        self.store = store
        self.folder = folder
        self.max_megapixels = max_megapixels
        # one model at a time: two would share the memory of a GPU
        self._lock = threading.Lock()

    @property
    def menu(self) -> Menu:
        """The models to choose from."""
        return self.store.menu

    def check(self, given: Path) -> str:
        """Return what is wrong with an image, in one sentence, or ''."""
        return check_image(given)

    def preload(self) -> None:
        """Load the small models of the package, if they are the first of their task.

        Most of it is importing the hosts, which the first image would wait for. Larger
        models are loaded when they are asked for, as there may be memory for one only.
        A model that fails says so at the click.
        """
        first = [self.store.find(task, None) for task in TASKS]
        small = [choice for choice in first if choice.note == NOTE]
        if small:
            print('Loading the small models …', flush=True)
        for choice in small:
            # the click tells it; a page that does not start tells nobody
            with contextlib.suppress(Exception):
                self.store.model(choice)
                if choice.job.task == 'pose':
                    self.store.detector()

    def __call__(self, asked: PageRequest) -> Iterator[Answer]:
        """Yield the same answer again and again as it grows; never raises.

        A task that fails adds a sentence to ``errors`` and leaves the others alone.
        """
        started = time.perf_counter()
        answer = Answer()
        yield answer
        try:
            yield from self._steps(asked, answer)
        except Exception as error:
            answer.errors.append(self._sentence(error, asked.image))
        answer.doing = ''
        answer.seconds = time.perf_counter() - started
        yield answer

    def _steps(self, asked: PageRequest, answer: Answer) -> Iterator[Answer]:
        if asked.image is None:
            raise ValueError('There is no image yet: upload one or pick an example')
        if asked.task not in (*TASKS, 'all'):
            raise ValueError(
                f'task must be one of {", ".join(TASKS)} or all, got {asked.task!r}'
            )
        image, note = read_image(asked.image, self.max_megapixels)
        answer.notes += [note] if note else []
        # a name that nobody guesses: other visitors must not find these files
        out = self.folder / f'result_{secrets.token_hex(16)}'
        out.mkdir(parents=True)
        tasks = TASKS if asked.task == 'all' else (asked.task,)
        people = None
        for task in tasks:
            masked = task in MAP_TASKS and people is None and asked.cut_out
            try:
                for needed in ('seg', task) if masked else (task,):
                    yield from self._load(needed, asked, answer)
                answer.doing = f'{TITLES[task]}: running'
                yield answer
                with self._lock:
                    # parts first, for the mask; the image of parts is not asked for
                    if masked:
                        people = self._run('seg', asked, image, None, answer).people
                    done = self._run(task, asked, image, people, answer)
                    self._write(task, asked, image, done, out, answer)
            except Exception as error:
                sentence = self._sentence(error, asked.image)
                answer.errors.append(f'{TITLES[task]}: {sentence}')
                if task == 'seg':  # do not try again for a mask
                    # nobody, so that depth and normals are drawn everywhere
                    people = np.zeros(image.shape[:2], bool)
                continue
            if task == 'seg':
                people = done.people

    def _load(self, task: str, asked: PageRequest, answer: Answer) -> Iterator[Answer]:
        """Load a model that was not used yet, and say so before and after."""
        choice = self.store.find(task, asked.models.get(task))
        detect = task == 'pose' and asked.detect
        if self.store.has(choice, detect):
            return
        answer.doing, answer.loading = f'{TITLES[task]}: loading the model', True
        yield answer
        try:
            with self._lock:
                _, seconds = self.store.model(choice)
                if detect:
                    self.store.detector()
            answer.loading_s += seconds
        finally:
            answer.loading = False

    def _run(
        self,
        task: str,
        asked: PageRequest,
        image: np.ndarray,
        people: np.ndarray | None,
        answer: Answer,
    ) -> Done:
        choice = self.store.find(task, asked.models.get(task))
        model, _ = self.store.model(choice)
        options = {}
        if task == 'pose':
            # set anew at each click: models are shared by all visitors
            model.detector = self.store.detector() if asked.detect else None
        elif task in MAP_TASKS and asked.cut_out and people.any():
            options['mask'] = people
        started = time.perf_counter()
        result = model(image, **options)
        seconds = time.perf_counter() - started
        if result.error:
            raise ValueError(result.error)
        answer.ran.append(Ran(task, choice.label, choice.note, seconds))
        if sentence := self._nobody(result, asked):
            answer.notes.append(sentence)
        # its name belongs into the data files
        result = dataclasses.replace(result, source=asked.image)
        return Done(choice, result, getattr(model, 'table', None))

    def _nobody(self, result: Result, asked: PageRequest) -> str:
        """Say so if a result shows nobody."""
        if isinstance(result, SegResult) and not result.labels.any():
            sentence = 'Body parts: nobody found, every pixel is background'
            if asked.cut_out and asked.task in (*MAP_TASKS, 'all'):
                sentence += ', so depth and normals are drawn everywhere'
            return f'{sentence}.'
        if not isinstance(result, PoseResult):
            return ''
        looked = asked.detect and self.store.detector_source is not None
        if looked and result.boxes_from == 'image':
            return (
                'Pose: the detector found nobody, so the whole image was taken as one '
                'person.'
            )
        if (result.scores >= asked.score_threshold).any():
            return ''
        return (
            'Pose: nobody found, no keypoint has a score of '
            f'{asked.score_threshold:g} or more (the best has '
            f'{result.scores.max(initial=0):.2f}).'
        )

    def _write(
        self,
        task: str,
        asked: PageRequest,
        image: np.ndarray,
        done: Done,
        out: Path,
        answer: Answer,
    ) -> None:
        parts = done.table if task == 'seg' else None
        drawn = draw_result(
            done.result,
            image,
            parts=parts,
            score_threshold=asked.score_threshold,
            opacity=asked.opacity,
        )
        stem = out / f'{asked.image.stem}_{task}'
        drawing = out / 'pictures' / f'{stem.name}.jpg'
        write_image(drawing, drawn)
        data = write_data(done.result, stem)
        if parts is not None:
            write_palette(out / f'{stem.name}_colours.png', done.result.labels, parts)
        random = ' (random weights)' if done.choice.job.checkpoint is None else ''
        answer.images.append((drawing, f'{TITLES[task]}{random}'))
        if task == 'depth' and asked.relief:
            relief = drawing.with_name(f'{stem.name}_relief.jpg')
            write_image(relief, colorize_relief(done.result.depth, done.result.mask))
            answer.images.append((relief, f'Relief of depth{random}'))
        beside = (sidecar_path(data), out / f'{stem.name}_colours.png')
        answer.files += [data, *(path for path in beside if path.is_file())]

    def _sentence(self, error: Exception, given: Path | None) -> str:
        """Bring an error into one sentence; those we did not foresee go to the log."""
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
            return (
                f'The memory of {self.store.device} is too small for this image and '
                'this model: take a smaller one of either.'
            )
        if isinstance(error, (ValueError, ModuleNotFoundError)):
            return sentence_of(error, given)
        traceback.print_exception(error)
        text = sentence_of(error, given).rstrip('.')[:200]
        return (
            f'Something unforeseen happened ({type(error).__name__}: {text}); '
            'more is in the log of sapiens web.'
        )
