"""Small weights of our own that come with the package: what a task runs on by default.

They are for models trained by ``sapiens train`` on the synthetic people of
``sapiens_mm.synth``.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from sapiens_mm.paths import config_path

WEIGHTS = Path(__file__).resolve().parent.parent / 'weights'
NOTE = 'tiny demo weights; for quality load a released checkpoint'


@dataclasses.dataclass(frozen=True)
class BundledModel:
    """A model whose weights are in the package.

    Attributes:
        task: ``'pose'``, ``'seg'``, ``'depth'``, ``'normal'`` or ``'det'``.
        name: What ``resolve`` takes; the file's name without suffix.
        config: Our config that it fits.
        metric: Its figure on held-out synthetic people, in percent but for degrees;
            docs/tiny_models.md has more of them.
    """

    task: str
    name: str
    config: str
    metric: str = ''

    @property
    def path(self) -> Path:
        """The file, float16 safetensors."""
        return WEIGHTS / f'{self.name}.safetensors'


_MODELS = (
    BundledModel(
        'pose',
        'sapiens_tiny_synth308',
        'pose/sapiens_tiny_synth308-256x192',
        'AP 60.0 of 17',
    ),
    BundledModel(
        'seg',
        'sapiens_tiny_synth28',
        'seg/sapiens_tiny_synth28-256x192',
        'mIoU 39.6',
    ),
    BundledModel(
        'depth',
        'sapiens_tiny_synth_depth',
        'depth/sapiens_tiny_synth-256x192',
        'δ1 96.8',
    ),
    BundledModel(
        'normal',
        'sapiens_tiny_synth_normal',
        'normal/sapiens_tiny_synth-256x192',
        'mean 20.6°',
    ),
    BundledModel(
        'det',
        'rtmdet_tiny_synth_person',
        'det/rtmdet_tiny_synth_person-320x320',
        'AP 65.5',
    ),
)
BUNDLED = {model.task: model for model in _MODELS}
"""By task."""


def find_bundled(name: str) -> BundledModel | None:
    """Look up a bundled model by its name, or by that of its config.

    Args:
        name: ``BundledModel.name`` or ``.config``, with or without suffix.
    """
    wanted = name.strip().removesuffix('.safetensors').removesuffix('.py')
    found = (m for m in BUNDLED.values() if wanted in (m.name, m.config))
    return next(found, None)


def bundled_with(config: str | Path) -> BundledModel | None:
    """Return the bundled model whose config this is, by name or path.

    Raises:
        ValueError: If there is no such config.
    """
    own = find_bundled(Path(config).as_posix())
    if own is not None:
        return own
    path = config_path(config).resolve()
    same = (m for m in BUNDLED.values() if config_path(m.config).resolve() == path)
    return next(same, None)


def is_bundled(checkpoint: str | Path | None) -> bool:
    """Tell whether a checkpoint, by name or path, is one of the package."""
    if checkpoint is None:
        return False
    paths = [model.path for model in BUNDLED.values()]
    own = find_bundled(str(checkpoint))
    return own is not None or Path(checkpoint).resolve() in paths


def bundled_for(task: str) -> BundledModel:
    """Return the bundled model of a task.

    Raises:
        ValueError: If there is none for it, or its file is missing.
    """
    if task not in BUNDLED:
        raise ValueError(
            f'No weights are bundled for {task!r}, but for '
            f'{", ".join(BUNDLED) or "no task"}: name a config and a checkpoint'
        )
    model = BUNDLED[task]
    if not model.path.is_file():
        raise ValueError(
            f'{model.path} is missing: the installation is incomplete, install '
            'sapiens_mm again'
        )
    return model
