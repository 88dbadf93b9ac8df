"""The work of sapiens image: which models, which images, where results go."""

from __future__ import annotations

from pathlib import Path

from sapiens_mm import apis
from sapiens_mm.apis.images import ImageError, read_image
from sapiens_mm.apis.results import Result
from sapiens_mm.files import write_image
from sapiens_mm.paths import example_image
from sapiens_mm.runs.inputs import find_input_images, parse_boxes, parse_cleanup
from sapiens_mm.runs.jobs import RELIEF_CAPTION, Job, pick_detector, plan_jobs
from sapiens_mm.runs.map_outputs import MapOutputs
from sapiens_mm.runs.output_names import output_names
from sapiens_mm.runs.requests import ImageRequest
from sapiens_mm.runs.run_records import RunRecord, identity_of_files
from sapiens_mm.saving.results import (
    DATA_SUFFIX,
    draw_result,
    write_data,
    write_palette,
)
from sapiens_mm.tasks import MAP_TASKS
from sapiens_mm.visualization import colorize_relief, side_by_side

INFERENCERS = {
    'pose': apis.PoseInferencer,
    'seg': apis.SegInferencer,
    'depth': apis.DepthInferencer,
    'normal': apis.NormalInferencer,
}


class ImageRun:
    """Runs every job over every image and writes what comes out.

    Args:
        request: What the command is asked to do.

    Raises:
        ValueError: If the command line asks for what cannot be.
    """

    def __init__(self, request: ImageRequest) -> None:
        self.request = request
        self.out_dir: Path = request.out_dir
        self.boxes = parse_boxes(request.boxes)
        self.cleanup = parse_cleanup(request.cleanup)
        self.images, self.failures = self._find_images()
        self.names = output_names(self.images, request.inputs)
        # before any model is loaded
        self.jobs = plan_jobs(request)
        self._refuse_own_outputs()
        self.detector = pick_detector(request.detector, self.jobs)
        self.skipped = 0
        self.records: list[RunRecord] = []
        self.maps = MapOutputs(request, self.names, self.jobs)

    def _find_images(self) -> tuple[list[Path], dict[str, str]]:
        inputs = self.request.inputs or ['astronaut']
        return find_input_images([str(example_image(word) or word) for word in inputs])

    def _refuse_own_outputs(self) -> None:
        """Raise ValueError if an image is where outputs go: it would be overwritten."""
        tasks = [(self.out_dir / job.task).resolve() for job in self.jobs]
        folders = {source.parent: source for source in self.images}
        for folder, source in folders.items():
            if any(folder.resolve().is_relative_to(task) for task in tasks):
                raise ValueError(
                    f'{source} lies where this run writes: name another --out-dir'
                )

    def __call__(self) -> list[tuple[str, str]]:
        """Run all jobs; return the images that failed, and why."""
        if self.maps.sentence:
            print(self.maps.sentence, flush=True)
        try:
            self._run_jobs()
        finally:
            for record in (*self.records, *self.maps.records):
                record.release()
        return list(self.failures.items())

    def _run_jobs(self) -> None:
        good = [source for source in self.images if str(source) not in self.failures]
        self.failures |= self.maps.make_masks(good)
        for job in self.jobs:
            self._run_job(job)
        good = [source for source in self.images if str(source) not in self.failures]
        self.failures |= self.maps.write_clouds(good)
        if len(self.jobs) > 1:
            self._write_panels()

    def _settings(self, job: Job) -> dict[str, object]:
        """What decides the results of a job."""
        request = self.request
        settings = dict(
            config=job.config,
            checkpoint=job.weights_id,
            flip=request.flip,
            dtype=request.dtype,
        )
        if job.task == 'pose':
            settings |= dict(detector=self.detector, boxes=request.boxes)
            settings |= dict(kpt_thr=request.kpt_thr)
        elif job.task == 'seg':
            settings |= dict(opacity=request.opacity, seg_mode=request.seg_mode)
            settings |= dict(resize=request.resize, cleanup=request.cleanup)
            if request.seg_mode == 'person':
                settings |= dict(detector=self.detector, boxes=request.boxes)
        else:
            parts = [self._settings(job) for job in self.jobs if job.task == 'seg']
            for of_parts in parts:
                del of_parts['opacity']  # of their image alone
            settings |= self.maps.settings(*parts)
        return settings

    def _run_job(self, job: Job) -> None:
        record = RunRecord(self.out_dir, job.task, self._settings(job))
        self.records.append(record)
        todo = [source for source in self.images if str(source) not in self.failures]
        sources = {self.names[source]: identity_of_files([source]) for source in todo}
        outputs = {self.names[p]: self._outputs(job.task, p) for p in todo}
        wanted = set(record.todo(sources, outputs, self.request.overwrite))
        self.skipped += len(todo) - len(wanted)
        todo = [source for source in todo if self.names[source] in wanted]
        if not todo:
            return
        print(job.headline, flush=True)
        request = self.request
        options = dict(
            device=request.device,
            dtype=request.dtype,
            compile=request.compile,
            flip_test=request.flip,
            batch_size=request.batch_size,
        )
        given: dict[str, list] = {}
        if job.task in MAP_TASKS:
            options |= self.maps.options()
            todo, given['mask'] = self._with_masks(todo)
            if not todo:
                return
        if job.task == 'seg':
            options |= dict(mode=request.seg_mode, resize=request.resize)
            options['cleanup'] = self.cleanup
        if job.task == 'pose' or (job.task, request.seg_mode) == ('seg', 'person'):
            options['detector'] = self.detector
            if self.boxes is not None:
                given['boxes'] = [self.boxes] * len(todo)
        model = INFERENCERS[job.task](job.config, job.checkpoint, **options)
        names = [self.names[source] for source in todo]
        record.claim(
            {name: sources[name] for name in names}, outputs, self.request.overwrite
        )
        parts = getattr(model, 'table', None) if job.task == 'seg' else None
        for source, result in zip(
            todo, model.run(todo, progress=True, **given), strict=True
        ):
            try:
                self._write(job.task, source, result, parts)
            except ValueError as error:
                self.failures[str(source)] = str(error)

    def _write(self, task: str, source: Path, result: Result, parts: object) -> None:
        if result.error:
            # the sentence begins with the path already
            raise ImageError(result.error.removeprefix(f'{source} '))
        image = read_image(source)
        drawing, data, *more = self._outputs(task, source)
        if task in MAP_TASKS and result.is_empty:
            self.maps.nobody.add(source)
        drawn = draw_result(
            result,
            image,
            parts=parts,
            score_threshold=self.request.kpt_thr,
            opacity=self.request.opacity,
        )
        stem = data.with_name(data.name.removesuffix(data.suffix))
        write_data(result, stem, self.request.map_format, self.maps.all_pixels)
        write_image(drawing, drawn)
        for path in more:
            if path == self._relief(source):
                write_image(path, colorize_relief(result.depth, result.mask))
            elif task in MAP_TASKS:
                pass  # the file beside the map is written with it
            elif path.is_relative_to(self.out_dir / 'seg/persons'):
                write_image(path, result.persons)
            else:
                write_palette(path, result.labels, parts)

    def _outputs(self, task: str, source: Path) -> list[Path]:
        """Image and data file of an image, and what else is asked for."""
        name = self.names[source]
        folder = self.out_dir / task
        files = [folder / 'pictures' / f'{name}.jpg']
        if task in MAP_TASKS:
            files += self.maps.data_files(task, source)
            if task == 'depth' and self.request.show_relief:
                files.append(self._relief(source))
            return files
        files.append(folder / f'{name}{DATA_SUFFIX[task]}')
        if task == 'seg' and self.request.seg_mode == 'person':
            files.append(folder / 'persons' / f'{name}.png')
        if task == 'seg' and self.request.palette:
            files.append(folder / 'palette' / f'{name}.png')
        return files

    def _with_masks(self, todo: list[Path]) -> tuple[list[Path], list[Path | None]]:
        """Return the images that lack no mask, and the files of the masks."""
        found = {}
        for source in todo:
            try:
                found[source] = self.maps.mask_path(source)
            except ImageError as error:
                self.failures[str(source)] = str(error)
        return list(found), list(found.values())

    def _relief(self, source: Path) -> Path:
        return self.out_dir / 'depth/relief' / f'{self.names[source]}.jpg'

    def _panels(self, source: Path) -> list[tuple[str, Path]]:
        """Captions and images of all tasks."""
        panels = []
        for job in self.jobs:
            panels.append((job.title, self._outputs(job.task, source)[0]))
            if job.task == 'depth' and self.request.show_relief:
                panels.append((RELIEF_CAPTION, self._relief(source)))
        return panels

    def _write_panels(self) -> None:
        """Image and images of all tasks side by side."""
        folder = self.out_dir / 'panels'
        titles = [title for title, _ in self._panels(self.images[0])]
        record = RunRecord(self.out_dir, 'panels', titles)
        self.records.append(record)
        panels = {}
        for source in self.images:
            drawings = [path for _, path in self._panels(source)]
            # only where all tasks have succeeded: half a row would be misread
            if str(source) not in self.failures and all(p.is_file() for p in drawings):
                panels[self.names[source]] = [source, *drawings]
        sources = {name: identity_of_files(paths) for name, paths in panels.items()}
        outputs = {name: [folder / f'{name}.jpg'] for name in panels}
        names = record.todo(sources, outputs)
        if names:
            record.claim({name: sources[name] for name in names}, outputs)
        for name in names:
            images = map(read_image, panels[name])
            write_image(outputs[name][0], side_by_side([*images], ['photo', *titles]))

    def report(self, seconds: float) -> None:
        """Print where the results lie."""
        done = len(self.images) - len(self.failures)
        print(f'{done} of {len(self.images)} images in {seconds:.1f} s', end='')
        print(f', {self.skipped} results were there already' if self.skipped else '')
        if not done:
            return
        for job in self.jobs:
            folder = self.out_dir / job.task
            if len(self.images) == 1:
                print(f'  {job.task:7}', *self._outputs(job.task, self.images[0]))
            else:
                print(f'  {job.task:7} {folder}/pictures, {folder}')
        self.maps.report()
        if len(self.jobs) > 1:
            print(f'  {"panels":7} {self.out_dir / "panels"}')
