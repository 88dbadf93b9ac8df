"""A data set of synthetic people from the command line: the request and the run."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sapiens_mm.synth.dataset.writer import DatasetWriter

FORMATS = ('folders', 'shards', 'both')


@dataclass(frozen=True)
class SynthRequest:
    """What ``sapiens synth`` is asked to do.

    Attributes:
        out: Folder of the data set.
        num: Samples.
        seed: Of the data set, 0 or more.
        size: Height and width of images, pixels.
        workers: Processes.
        set: NAME=VALUE words: what is drawn how often.
        settings: JSON file of settings by name.
        list_settings: Print settings and defaults instead.
        format: One of ``FORMATS``.
        split: Shares of train, val and test.
        depth_mm: Unit of the stored depth, millimetres.
        bump: Store normals with wrinkles, too.
        shard_size: Samples in a tar file.

    Raises:
        ValueError: If there is no folder, or a number is below 1.
    """

    out: Path | None = None
    num: int = 100
    seed: int = 0
    size: tuple[int, int] = (1024, 768)
    # all cores: samples do not depend on one another
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    set: tuple[str, ...] = ()
    settings: Path | None = None
    list_settings: bool = False
    format: str = 'folders'
    split: tuple[float, float, float] = (0.9, 0.05, 0.05)
    depth_mm: float = 0.5
    bump: bool = False
    shard_size: int = 500

    def __post_init__(self) -> None:
        """Check what the settings of the data set do not."""
        if self.out is None and not self.list_settings:
            raise ValueError('name the folder of the data set')
        for name in ('num', 'workers'):
            if getattr(self, name) < 1:
                raise ValueError(
                    f'--{name} must be at least 1, got {getattr(self, name)}'
                )


def list_settings() -> str:
    """Return settings and defaults, one a line, as ``--set`` takes them."""
    from sapiens_mm.synth.scene_settings import SceneSettings

    lines, default = [], SceneSettings()
    for setting in fields(SceneSettings):
        value = getattr(default, setting.name)
        kind = setting.metadata['kind']
        if kind == 'weights':
            value = ','.join(f'{name}:{weight:g}' for name, weight in value)
        elif kind == 'span':
            value = ','.join(f'{number:g}' for number in value)
        lines.append(f'{setting.name}={value}')
    return '\n'.join(lines)


def synthesize(request: SynthRequest) -> int:
    """Make what is missing of the data set; return 1 if samples failed.

    Raises:
        ValueError: If the command line asks for what cannot be.
        OSError: If a file cannot be written.
    """
    from sapiens_mm.synth.dataset.settings import DatasetSettings
    from sapiens_mm.synth.dataset.writer import DatasetWriter
    from sapiens_mm.synth.render.background import check_images
    from sapiens_mm.synth.settings_text import parse_scene_settings

    settings = DatasetSettings(
        seed=request.seed,
        size_hw=request.size,
        scene=parse_scene_settings(request.set, request.settings),
        shares=request.split,
        depth_mm=request.depth_mm,
        bump=request.bump,
        shard_size=request.shard_size,
    )
    if settings.scene.backgrounds:
        check_images(settings.scene.backgrounds)
    writer = DatasetWriter(request.out, settings, request.num, request.format)
    with contextlib.closing(writer):
        return make(writer, request)


def make(writer: DatasetWriter, request: SynthRequest) -> int:
    """Let a writer make what is missing; as ``synthesize``."""
    from sapiens_mm.synth.dataset.generate import compile_kernels, is_compiled

    if writer.done:
        print(f'{len(writer.done)} of {request.num} samples are there already')
    if len(writer.done) < request.num and not is_compiled():
        # before the bar: it would take this for the time of a sample
        print('compiling once, about a minute', flush=True)
        compile_kernels(writer.settings)
    from tqdm import tqdm

    bar = tqdm(
        total=request.num, initial=len(writer.done), unit='image', smoothing=0.05
    )
    try:
        # closed at once, so that worker processes do not outlive an error
        with bar, contextlib.closing(writer.run(request.workers)) as outcomes:
            for index, problem in outcomes:
                if problem is None:
                    bar.update()
                else:
                    bar.write(f'sample {index} failed: {problem}', file=sys.stderr)
        stats = writer.finish()
    except KeyboardInterrupt:
        done = f'{writer.count_finished()} of {request.num} samples are finished'
        raise KeyboardInterrupt(done) from None
    except OSError as error:
        done = (
            f'{writer.count_finished()} of {request.num} samples are finished and whole'
        )
        raise OSError(
            error.errno, f'{error.strerror or error} ({error.filename}); {done}'
        ) from error
    print(writer.report(stats))
    return 1 if writer.failed else 0
