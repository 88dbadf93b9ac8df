"""What sapiens image does for depth and normals alone: masks, tiles, files, clouds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sapiens_mm import apis
from sapiens_mm.apis.images import read_image, read_mask
from sapiens_mm.apis.map_masks import find_mask, recognise_parts
from sapiens_mm.apis.results import DepthResult, NormalResult
from sapiens_mm.checkpoints import resolve
from sapiens_mm.files import write_image
from sapiens_mm.runs.jobs import Job, identity_of
from sapiens_mm.runs.output_names import plain_name
from sapiens_mm.runs.people_masks import mask_sentence, pick_mask
from sapiens_mm.runs.requests import ImageRequest
from sapiens_mm.runs.run_records import RunRecord, identity_of_files
from sapiens_mm.saving.maps import MAP_FORMATS, check_map_format, read_saved_map
from sapiens_mm.saving.point_cloud import CloudOptions, point_cloud, write_ply
from sapiens_mm.tasks import MAP_TASKS


class MapOutputs:
    """Finds or makes masks, and writes point clouds.

    Args:
        request: What the command is asked to do.
        names: Image to the name of its outputs.
        jobs: Of this run.

    Raises:
        ValueError: If the command line asks for what cannot be.
    """

    def __init__(
        self, request: ImageRequest, names: dict[Path, str], jobs: list[Job]
    ) -> None:
        self.request = request
        self.names = names
        self.tasks = tasks = [job.task for job in jobs]
        self.out_dir: Path = request.out_dir
        self.cloud = parse_cloud(request.ply)
        self.records: list[RunRecord] = []
        self.nobody: set[Path] = set()  # images whose mask is empty
        self.unseen: set[Path] = set()  # images whose parts show nobody
        check_map_format(request.map_format)
        mask = pick_mask(request.mask, jobs)
        # a model that makes the masks stands in for the parts of the run
        self.from_parts = mask == 'seg' and not request.seg_checkpoint
        self.mask_folder = None if mask in (None, 'seg') else Path(mask)
        if self.mask_folder is not None and not self.mask_folder.exists():
            raise ValueError(f'--mask: {self.mask_folder} does not exist')
        self.sentence = (
            '' if request.seg_checkpoint else mask_sentence(request.mask, jobs)
        )
        if self.cloud is not None and 'depth' not in tasks:
            raise ValueError("--ply needs the task 'depth' in the same run")
        self.seg = None
        if request.seg_checkpoint:
            self.seg = self._find_seg()
        elif request.seg_config:
            raise ValueError('--seg-config goes with --seg-checkpoint')

    def _find_seg(self) -> tuple[Path, str | None]:
        if self.request.mask is not None:
            raise ValueError('--seg-checkpoint makes masks: leave --mask out')
        if not set(MAP_TASKS) & set(self.tasks):
            raise ValueError('--seg-checkpoint makes masks for depth and normals only')
        if self.request.seg_config:
            return resolve(self.request.seg_checkpoint), self.request.seg_config
        found = recognise_parts(self.request.seg_checkpoint)
        return found.path, found.config_name()

    @property
    def all_pixels(self) -> bool:
        """Whether files hold every pixel: a mask nobody asked for is for the eye."""
        return self.request.mask is None and self.seg is None

    def settings(self, parts: dict[str, object] | None = None) -> dict[str, object]:
        """Return what decides the results of depth and normals, for a record.

        Args:
            parts: What decides the parts of this run, if it has them.
        """
        request = self.request
        return dict(
            mask=request.mask,
            parts=parts if self.from_parts else None,
            seg=self.seg and [identity_of(self.seg[0]), self.seg[1]],
            tile=request.tile,
            tile_overlap=request.tile_overlap if request.tile else None,
            map_format=request.map_format,
        )

    def options(self) -> dict[str, object]:
        """Return arguments of the inferencers."""
        return dict(tile=self.request.tile, tile_overlap=self.request.tile_overlap)

    def data_files(self, task: str, given: Path) -> list[Path]:
        """Return the data file of an image and the JSON file beside it."""
        suffix = MAP_FORMATS[self.request.map_format]
        name = f'{self.names[given]}{suffix}'
        folder = self.out_dir / task
        return [folder / name, folder / f'{name}.json']

    def mask_path(self, given: Path) -> Path | None:
        """Return the file with the mask of an image, or None where it needs none.

        Raises:
            ImageError: If there should be one and is not.
        """
        name = self.names[given]
        if self.seg is not None:
            return self.out_dir / 'masks' / f'{name}.png'
        if self.from_parts:
            path = self.out_dir / 'seg' / f'{name}.png'
            # an image in which nobody was found is drawn everywhere, see report
            if read_image(path).any():
                return path
            self.unseen.add(given)
            return None
        if self.mask_folder is None or self.mask_folder.is_file():
            return self.mask_folder
        plain = plain_name(given, tuple(self.request.inputs))
        # the name of the outputs tells images apart that differ in the suffix alone
        return find_mask(self.mask_folder, name if name.startswith(plain) else plain)

    def make_masks(self, paths: list[Path]) -> dict[str, str]:
        """Make the masks that are missing with ``--seg-checkpoint``.

        Returns:
            Images that failed, and why.
        """
        if self.seg is None:
            return {}
        path, config = self.seg
        settings = dict(config=str(config), checkpoint=identity_of(path))
        record = RunRecord(self.out_dir, 'masks', settings)
        self.records.append(record)
        sources = {self.names[given]: identity_of_files([given]) for given in paths}
        outputs = {self.names[given]: [self.mask_path(given)] for given in paths}
        names = set(record.todo(sources, outputs, self.request.overwrite))
        wanted = [given for given in paths if self.names[given] in names]
        if not wanted:
            return {}
        print(f'masks: {config or "config of the checkpoint"} ({path})', flush=True)
        request = self.request
        model = apis.SegInferencer(
            config,
            path,
            device=request.device,
            dtype=request.dtype,
            batch_size=request.batch_size,
        )
        wanted_sources = {name: sources[name] for name in names}
        record.claim(wanted_sources, outputs, self.request.overwrite)
        failures = {}
        for given, result in zip(wanted, model.run(wanted, progress=True), strict=True):
            if result.error:
                failures[str(given)] = result.error.removeprefix(f'{given} ')
                continue
            mask = (result.labels > 0).astype(np.uint8) * 255
            write_image(self.mask_path(given), mask)
        return failures

    def write_clouds(self, paths: list[Path]) -> dict[str, str]:
        """Write the point clouds that are missing or older than their depth.

        Returns:
            Images that failed, and why.
        """
        if self.cloud is None:
            return {}
        with_normals = 'normal' in self.tasks
        settings = dict(cloud=repr(self.cloud), normals=with_normals)
        record = RunRecord(self.out_dir, 'depth/clouds', settings)
        self.records.append(record)
        used = {}
        for given in paths:
            tasks = MAP_TASKS[: 1 + with_normals]
            files = [self.data_files(task, given)[0] for task in tasks]
            if all(path.is_file() for path in files):
                used[given] = files
        sources = {self.names[p]: identity_of_files(files) for p, files in used.items()}
        outputs = {self.names[given]: [self.cloud_path(given)] for given in used}
        names = set(record.todo(sources, outputs))
        if names:
            record.claim({name: sources[name] for name in names}, outputs)
        failures = {}
        for given, files in used.items():
            if self.names[given] not in names:
                continue
            try:
                self._write_cloud(self.cloud_path(given), given, files)
            except ValueError as error:
                failures[str(given)] = str(error)
        return failures

    def cloud_path(self, given: Path) -> Path:
        """Return the PLY file of an image."""
        return self.out_dir / 'depth/clouds' / f'{self.names[given]}.ply'

    def _write_cloud(self, path: Path, given: Path, used: list[Path]) -> None:
        image = read_image(given)
        source = self.mask_path(given)
        mask = None if source is None else read_mask(source, image.shape[:2])
        depth, *normals = [read_saved_map(file)[0] for file in used]
        cloud = point_cloud(
            DepthResult(image_hw=depth.shape, depth=depth, mask=mask),
            image,
            self.cloud,
            NormalResult(normals=normals[0]) if normals else None,
        )
        write_ply(path, cloud)

    def report(self) -> None:
        """Print what the user should know of masks and clouds."""
        if self.seg is not None:
            print(f'  {"masks":7} {self.out_dir / "masks"}')
        if self.cloud is not None:
            print(f'  {"clouds":7} {self.out_dir / "depth/clouds"}')
        if self.nobody:
            print(f'nobody in the mask of {_names(self.nobody)}')
        if self.unseen:
            print(
                f'the parts show nobody in {_names(self.unseen)}; depth and normals '
                'are drawn everywhere there'
            )


def _names(paths: set[Path]) -> str:
    """Count images and name the first of them."""
    names = ', '.join(str(given) for given in sorted(paths)[:5])
    return f'{len(paths)} images: {names}{" and others" if len(paths) > 5 else ""}'


def parse_cloud(words: list[str] | None) -> CloudOptions | None:
    """Read ``--ply``.

    Raises:
        ValueError: If a word is not KEY=VALUE, or the key or value is wrong.
    """
    if words is None:
        return None
    values: dict[str, float] = {}
    for word in words:
        key, _, text = word.partition('=')
        try:
            values[key] = int(text) if key == 'step' else float(text)
        except ValueError:
            raise ValueError(
                f'--ply takes KEY=VALUE like fov_deg=55, got {word!r}'
            ) from None
    known = sorted(CloudOptions.__dataclass_fields__)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f'--ply takes {", ".join(known)}; got {unknown[0]!r}')
    return CloudOptions(**values)
