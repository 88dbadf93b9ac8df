"""The work of sapiens video: which models, which videos, how a run ends."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

from sapiens_mm.apis.build import pick_device
from sapiens_mm.apis.person_boxes import make_detector
from sapiens_mm.files import (
    FolderLock,
    has_ended,
    sweep,
    this_process,
    write_atomically,
)
from sapiens_mm.runs.image_run import INFERENCERS
from sapiens_mm.runs.inputs import check_videos, parse_cleanup
from sapiens_mm.runs.jobs import pick_detector, plan_jobs
from sapiens_mm.runs.output_names import output_names
from sapiens_mm.runs.people_masks import mask_sentence, pick_mask
from sapiens_mm.runs.requests import VideoRequest
from sapiens_mm.runs.video_output import Window, table_metadata
from sapiens_mm.runs.video_pass import VideoPass
from sapiens_mm.runs.video_people import People
from sapiens_mm.video.camera import CameraReader
from sapiens_mm.video.reader import VideoError, VideoReader
from sapiens_mm.video.writer import VideoWriteError

# what does not decide the content of an output, or is told by the jobs
_NO_SETTINGS = 'inputs webcam out_dir overwrite show device batch_size compile'
_OF_JOBS = 'task checkpoint config size keypoints'


class VideoRun:
    """Runs every job over every video and writes what comes out.

    Args:
        request: What the command is asked to do.

    Raises:
        ValueError: If the command line asks for what cannot be.
    """

    def __init__(self, request: VideoRequest) -> None:
        self.request = request
        _check(request)
        self.window = Window() if request.show else None
        self.cleanup = parse_cleanup(request.cleanup)
        People(request, None)  # its options are checked before anything is loaded
        self.videos = check_videos(request.inputs)
        self.names = output_names(self.videos, request.inputs)
        self._refuse_inputs()
        sweep(request.out_dir)
        self.jobs = plan_jobs(request)
        self.detector_source = pick_detector(request.detector, self.jobs)
        tasks = [job.task for job in self.jobs]
        self.mask_sentence = mask_sentence(request.mask, self.jobs)
        self.mask = pick_mask(request.mask, self.jobs)
        by_person = 'seg' in tasks and request.seg_mode == 'person'
        self.needs_people = 'pose' in tasks or by_person
        self.models: dict[str, Any] = {}
        self.detector = None
        self.failures: dict[str, str] = {}
        self.interrupted = False

    def _refuse_inputs(self) -> None:
        """Raise ValueError if an output would take the place of a video."""
        inputs = {video.resolve() for video in self.videos}
        for name in self.names.values():
            out = self.request.out_dir / f'{name}.{self.request.container}'
            if out.resolve() in inputs:
                raise ValueError(f'{out} is an input: name another --out-dir')

    def __call__(self) -> int:
        """Run over all videos; return the exit code.

        Raises:
            VideoError: If the only input is no video.
        """
        if self.request.webcam is not None:
            stamp = time.strftime('%Y%m%d_%H%M%S')
            self._run(None, f'camera{self.request.webcam}_{stamp}')
        for video in self.videos:
            try:
                self._run(video, self.names[video])
            except VideoError as error:
                # of several, one is no reason to refuse the call
                if len(self.videos) == 1 and not isinstance(error, VideoWriteError):
                    raise
                self.failures[str(video)] = str(error)
            if self.interrupted:
                break
        for source, reason in self.failures.items():
            print(f'failed: {source}: {reason}', file=sys.stderr)
        if self.interrupted:
            # as shells have it: 128 and the number of the signal
            return 130
        return 1 if self.failures else 0

    def _settings(self, video: Path | None) -> dict[str, object]:
        """What decides the outputs of a video."""
        unused = {*_NO_SETTINGS.split(), *_OF_JOBS.split()}
        words = dataclasses.asdict(self.request) | dict(
            detector=self.detector_source, mask=self.mask
        )
        words = {name: word for name, word in words.items() if name not in unused}
        models = [[job.config, job.weights_id] for job in self.jobs]
        content = None if video is None else video.stat()
        source = content and [
            str(video.resolve()),
            content.st_size,
            content.st_mtime_ns,
        ]
        return dict(models=models, source=source, **words)

    def _run(self, video: Path | None, name: str) -> None:
        request = self.request
        stem = request.out_dir / name
        out = stem.with_name(f'{stem.name}.{request.container}')
        record = stem.with_name(f'{stem.name}.json')
        if video is None:
            reader = CameraReader(request.webcam, request.end)
        else:
            reader = VideoReader(video, request.start, request.end, request.max_frames)
        try:
            settings = self._settings(video)
            if not request.overwrite and self._is_done(out, record, settings, video):
                return
            self._load()
            content = dict(video=out.name, complete=False, settings=settings)
            _claim(record, content)
            run = VideoPass(self, reader, video, out, stem)
            problems = run()
        except BaseException:
            # also Ctrl-C: a claim without a video would block the next run
            _take_back(record, out)
            raise
        finally:
            reader.close()
        content = dict(
            video=out.name,
            complete=run.complete,
            frames=run.count,
            problems=problems,
            notes=run.notes,
            **table_metadata(run.data.table),
            settings=settings,
        )
        if run.count:
            write_atomically(record, json.dumps(content, indent=1).encode())
        else:
            _take_back(record, out)
        if problems:
            self.failures[str(video or reader.name)] = '; '.join(problems)
        self.interrupted |= run.stopped_by == 'Ctrl-C'

    def _is_done(
        self, out: Path, record: Path, settings: dict, video: Path | None
    ) -> bool:
        """Tell whether an output is there that needs not be made; say so."""
        content = _read_record(record)
        if content is not None and not out.is_file():
            return False  # a run was ended before it had one
        # then whatever has one of our names is not ours
        if content is None or content['video'] != out.name:
            name = record.name.removesuffix('.json')
            others = [record.with_name(f'{name}.pose.jsonl')]
            others += record.with_name(f'{name}.maps').glob('[0-9]*.npz')
            there = [path for path in (out, record, *others) if path.exists()]
            if not there:
                return False
            print(f'{there[0]} was there already and is left alone: see --overwrite')
            return True
        done, known = content['complete'], content['settings']
        problems = content.get('problems')
        same = known == json.loads(json.dumps(settings))
        if not (done and same):
            why = 'stopped early' if same else 'made with other options'
            print(f'{out} was {why}: it is made anew')
            return False
        print(f'{out} was there already')
        if problems:
            self.failures[str(video)] = '; '.join(problems)
        return True

    def _load(self) -> None:
        """Build the models, once."""
        if self.models:
            return
        request = self.request
        if self.needs_people and self.detector_source is not None:
            self.detector = make_detector(
                self.detector_source, pick_device(request.device)
            )
        for job in self.jobs:
            print(job.headline, flush=True)
            options = dict(
                device=request.device,
                dtype=request.dtype,
                compile=request.compile,
                flip_test=request.flip,
                batch_size=request.batch_size,
            )
            if job.task == 'seg':
                options |= dict(mode=request.seg_mode, resize=request.resize)
                options['cleanup'] = self.cleanup
            self.models[job.task] = INFERENCERS[job.task](
                job.config, job.checkpoint, **options
            )
        if self.mask_sentence:
            print(self.mask_sentence, flush=True)


def _read_record(path: Path) -> dict[str, Any] | None:
    """Return what a run has noted of a video, None if there is no such record."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    needed = {'video', 'complete', 'settings'}
    return content if isinstance(content, dict) and needed <= content.keys() else None


def _claim(record: Path, content: dict[str, Any]) -> None:
    """Note that a video is being made, so that a killed run is known as such.

    Raises:
        VideoError: If another run makes it just now.
    """
    # two runs must not both find the video free
    with FolderLock(record.parent) as lock:
        lock.take()
        process = (_read_record(record) or {}).get('made_by')
        if process not in (None, this_process()) and has_ended(process) is False:
            raise VideoError(
                f'{record.with_suffix("")} is made by another run just now'
            )
        content = dict(content, made_by=this_process())
        write_atomically(record, json.dumps(content, indent=1).encode())


def _take_back(record: Path, out: Path) -> None:
    """Remove our claim on a video that has not come to be."""
    content = _read_record(record) or {}
    if content.get('made_by') == this_process() and not out.exists():
        record.unlink(missing_ok=True)


def _check(request: VideoRequest) -> None:
    """Raise ValueError if the options cannot be."""
    if (request.webcam is None) == (not request.inputs):
        raise ValueError('Give one video or more, or else --webcam NUMBER')
    if request.webcam is not None and request.start:
        raise ValueError('--start is for files, a camera begins when it is opened')
    if request.start < 0:
        raise ValueError(f'--start must be 0 seconds or more, got {request.start:g}')
    if request.end is not None and request.end <= request.start:
        raise ValueError(
            f'--end must be behind --start ({request.start:g} s), got {request.end:g}'
        )
    if request.max_frames is not None and request.max_frames < 1:
        raise ValueError(f'--max-frames must be 1 or more, got {request.max_frames}')
    if request.max_width < 64:
        raise ValueError(
            f'--max-width must be 64 pixels or more, got {request.max_width}'
        )
    if not 0 <= request.crf <= 51:
        raise ValueError(f'--crf must be 0 to 51, got {request.crf}')
