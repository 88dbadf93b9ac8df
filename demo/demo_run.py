"""The work of image_demo.py: which models, which photos, where results go."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from demo_jobs import Job, pick_detector, plan_jobs
from map_outputs import MAP_TASKS, MapOutputs

from sapiens_mm import apis
from sapiens_mm.apis.images import ImageError, find_images, read_image
from sapiens_mm.apis.label_cleanup import CleanUp
from sapiens_mm.apis.results import Result
from sapiens_mm.apis.saving import (
    DATA_SUFFIX,
    draw_result,
    write_atomically,
    write_data,
    write_image,
    write_palette,
)
from sapiens_mm.checkpoints.bundled import NOTE
from sapiens_mm.visualization import side_by_side

INFERENCERS = {
    'pose': apis.PoseInferencer,
    'seg': apis.SegInferencer,
    'depth': apis.DepthInferencer,
    'normal': apis.NormalInferencer,
}


class DemoRun:
    """Runs every job over every photo and writes what comes out.

    Args:
        args: The command line of ``image_demo.py``.

    Raises:
        ValueError: If the command line asks for what cannot be.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.out_dir: Path = args.out_dir
        self.boxes = parse_boxes(args.boxes)
        self.cleanup = parse_cleanup(args.cleanup)
        self.photos = self._find_photos()
        self.names = output_names(self.photos, args.inputs)
        self.jobs = plan_jobs(args)
        args.detector = pick_detector(args.detector, self.jobs)
        self.failures: dict[str, str] = {}
        self.skipped = 0
        self.maps = MapOutputs(args, self.names, [job.task for job in self.jobs])

    def _find_photos(self) -> list[Path]:
        if self.args.inputs:
            photos = list(find_images(self.args.inputs))
            if not any(photo.exists() for photo in photos):
                raise ValueError(f'{photos[0]} does not exist')
            return photos
        from skimage import data

        photo = self.out_dir / 'astronaut.png'
        write_image(photo, np.ascontiguousarray(data.astronaut()[:, :, ::-1]))
        return [photo]

    def __call__(self) -> list[tuple[str, str]]:
        """Run all jobs; return the photos that failed, and why."""
        self.failures |= self.maps.make_masks(self.photos)
        for job in self.jobs:
            self._run_job(job)
        good = [photo for photo in self.photos if str(photo) not in self.failures]
        self.failures |= self.maps.write_clouds(good)
        if len(self.jobs) > 1:
            self._write_panels()
        return list(self.failures.items())

    def _settings(self, job: Job) -> str:
        """What decides the results of a job, as text."""
        args = self.args
        settings = dict(
            config=job.config,
            checkpoint=job.checkpoint and str(Path(job.checkpoint).resolve()),
            flip=args.flip,
            dtype=args.dtype,
        )
        if job.task == 'pose':
            settings |= dict(detector=args.detector, boxes=args.boxes)
            settings |= dict(kpt_thr=args.kpt_thr)
        elif job.task == 'seg':
            settings |= dict(opacity=args.opacity, seg_mode=args.seg_mode)
            settings |= dict(resize=args.resize, cleanup=args.cleanup)
            if args.seg_mode == 'person':
                settings |= dict(detector=args.detector, boxes=args.boxes)
        else:
            settings |= self.maps.settings()
        return json.dumps(settings, indent=1)

    def _run_job(self, job: Job) -> None:
        settings = self._settings(job)
        record = self.out_dir / job.task / 'settings.json'
        # results of another model or option are not finished ones
        stale = record.is_file() and record.read_text() != settings
        photos = []
        for photo in self.photos:
            if str(photo) in self.failures:
                continue
            if not (self.args.overwrite or stale) and all(
                path.is_file() for path in self._outputs(job.task, photo)
            ):
                self.skipped += 1
                continue
            photos.append(photo)
        if not photos:
            return
        weights = job.checkpoint or 'RANDOM WEIGHTS: the picture means nothing'
        if job.bundled:
            weights = NOTE
        print(f'{job.task}: {job.config_name} ({weights})', flush=True)
        args = self.args
        options = dict(
            device=args.device,
            dtype=args.dtype,
            compile=args.compile,
            flip_test=args.flip,
            batch_size=args.batch_size,
        )
        given: dict[str, list] = {}
        if job.task in MAP_TASKS:
            options |= self.maps.options()
            photos, given['mask'] = self._with_masks(photos)
            if not photos:
                return
        if job.task == 'seg':
            options |= dict(mode=args.seg_mode, resize=args.resize)
            options['cleanup'] = self.cleanup
        if job.task == 'pose' or (job.task, args.seg_mode) == ('seg', 'person'):
            options['detector'] = args.detector
            if self.boxes is not None:
                given['boxes'] = [self.boxes] * len(photos)
        model = INFERENCERS[job.task](job.config, job.checkpoint, **options)
        for path in [p for photo in photos for p in self._outputs(job.task, photo)]:
            path.unlink(missing_ok=True)
        write_atomically(record, settings.encode())
        parts = getattr(model, 'table', None) if job.task == 'seg' else None
        for photo, result in zip(
            photos, model.run(photos, progress=True, **given), strict=True
        ):
            try:
                self._write(job.task, photo, result, parts)
            except ValueError as error:
                self.failures[str(photo)] = str(error)

    def _write(self, task: str, photo: Path, result: Result, parts: object) -> None:
        if result.error:
            # the sentence begins with the path already
            raise ImageError(result.error.removeprefix(f'{photo} '))
        image = read_image(photo)
        picture, data, *more = self._outputs(task, photo)
        if task in MAP_TASKS and result.is_empty:
            self.maps.nobody.add(photo)
        drawn = draw_result(
            result,
            image,
            parts=parts,
            score_threshold=self.args.kpt_thr,
            opacity=self.args.opacity,
        )
        stem = data.with_name(data.name.removesuffix(data.suffix))
        write_data(result, stem, self.args.map_format)
        write_image(picture, drawn)
        if task in MAP_TASKS:
            return  # the file beside the map is written with it
        for path in more:
            if path.is_relative_to(self.out_dir / 'seg/persons'):
                write_image(path, result.persons)
            else:
                write_palette(path, result.labels, parts)

    def _outputs(self, task: str, photo: Path) -> list[Path]:
        """Picture and data file of a photo, and what else is asked for."""
        name = self.names[photo]
        folder = self.out_dir / task
        files = [folder / 'pictures' / f'{name}.jpg']
        if task in MAP_TASKS:
            return files + self.maps.data_files(task, photo)
        files.append(folder / f'{name}{DATA_SUFFIX[task]}')
        if task == 'seg' and self.args.seg_mode == 'person':
            files.append(folder / 'persons' / f'{name}.png')
        if task == 'seg' and self.args.palette:
            files.append(folder / 'palette' / f'{name}.png')
        return files

    def _with_masks(self, photos: list[Path]) -> tuple[list[Path], list[Path | None]]:
        """Return the photos that lack no mask, and the files of the masks."""
        found = {}
        for photo in photos:
            try:
                found[photo] = self.maps.mask_path(photo)
            except ImageError as error:
                self.failures[str(photo)] = str(error)
        return list(found), list(found.values())

    def _write_panels(self) -> None:
        """Photo and pictures of all tasks side by side."""
        titles = [job.title for job in self.jobs]
        for photo in self.photos:
            pictures = [self._outputs(job.task, photo)[0] for job in self.jobs]
            if str(photo) in self.failures or not all(p.is_file() for p in pictures):
                continue
            panel = self.out_dir / 'panels' / f'{self.names[photo]}.jpg'
            newest = max(p.stat().st_mtime for p in pictures)
            if panel.is_file() and panel.stat().st_mtime >= newest:
                continue
            images = [read_image(photo), *map(read_image, pictures)]
            write_image(panel, side_by_side(images, ['photo', *titles]))

    def report(self, seconds: float) -> None:
        """Print where the results lie."""
        done = len(self.photos) - len(self.failures)
        print(f'{done} of {len(self.photos)} photos in {seconds:.1f} s', end='')
        print(f', {self.skipped} results were there already' if self.skipped else '')
        if not done:
            return
        for job in self.jobs:
            folder = self.out_dir / job.task
            if len(self.photos) == 1:
                print(f'  {job.task:7}', *self._outputs(job.task, self.photos[0]))
            else:
                print(f'  {job.task:7} {folder}/pictures, {folder}')
        self.maps.report()
        if len(self.jobs) > 1:
            print(f'  {"panels":7} {self.out_dir / "panels"}')


def parse_boxes(text: str | None) -> np.ndarray | None:
    """Read ``--boxes``.

    Raises:
        ValueError: If it is not a list of lists of four numbers.
    """
    if text is None:
        return None
    try:
        boxes = np.array(json.loads(text), float)
    except ValueError:
        boxes = np.zeros(0)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
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


def output_names(photos: list[Path], inputs: list[str]) -> dict[Path, str]:
    """Name the outputs of each photo: its path in its folder, without suffix.

    Photos whose names differ only in the suffix keep it (``a.png`` and ``a.jpg``
    become ``a_png`` and ``a_jpg``); those of different folders get a number.
    """
    folders = [Path(item) for item in inputs if Path(item).is_dir()]
    stems: dict[Path, str] = {}
    for photo in photos:
        base = next((f for f in folders if photo.is_relative_to(f)), photo.parent)
        stems[photo] = photo.relative_to(base).with_suffix('').as_posix()
    taken = list(stems.values())
    names: dict[Path, str] = {}
    for photo, stem in stems.items():
        if taken.count(stem) > 1:
            stem = f'{stem}_{photo.suffix.lstrip(".")}'
        name, number = stem, 2
        while name in names.values():
            name, number = f'{stem}_{number}', number + 1
        names[photo] = name
    return names
