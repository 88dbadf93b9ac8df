"""Which config and which weights run when the caller leaves one or both out."""

from __future__ import annotations

import warnings
from pathlib import Path

from mmengine.config import Config

from sapiens_mm.checkpoints import (
    bundled_for,
    find_bundled,
    identify,
    read_checkpoint,
    resolve,
)
from sapiens_mm.checkpoints.bundled import NOTE

Choice = tuple[str | Path | Config, str | Path | None]


def choose_model(
    task: str, config: str | Path | Config | None, checkpoint: str | Path | None
) -> Choice:
    """Fill in what is missing of config and checkpoint.

    Args:
        task: ``'pose'``, ``'seg'``, ``'depth'`` or ``'normal'``.
        config: None takes that of the checkpoint, or of the bundled model.
        checkpoint: None takes the bundled weights where there is no config, or it is
            theirs; with another config it stays None, which means random weights.

    Returns:
        Config and checkpoint. Bundled weights raise a warning that says what they are.

    Raises:
        ValueError: If a checkpoint without config is of another task, or several
            configs or none of ours fit it.
    """
    if checkpoint is None:
        own = bundled_for(task) if config is None else None
        if isinstance(config, str):
            own = find_bundled(config)
        if own is not None and own.path.is_file():
            warnings.warn(f'{own.name}: {NOTE}', stacklevel=4)
            return own.config, own.path
        return config, None
    if config is not None:
        return config, checkpoint
    path = resolve(checkpoint)
    return config_of(path, task), path


def config_of(path: Path, task: str) -> str:
    """Name the config that fits a checkpoint, read from its tensors.

    Raises:
        ValueError: As ``choose_model``.
    """
    found = identify(read_checkpoint(path).state_dict)
    names = found.config_names()
    if found.task != task:
        raise ValueError(f'{path} is {found.describe()}, not one of {task}')
    if len(names) != 1:
        which = f'one of {", ".join(names)}' if names else 'it is none of ours'
        raise ValueError(f'{path} is {found.describe()}: name its config, {which}')
    return names[0]
