"""Which config and which weights run when the caller leaves one or both out."""

from __future__ import annotations

import warnings
from pathlib import Path

from mmengine.config import Config

from sapiens_mm.apis.build import load_config
from sapiens_mm.checkpoints import (
    Checkpoint,
    Identity,
    bundled_for,
    find_bundled,
    identify,
    read_checkpoint,
    resolve,
    trained_config,
)
from sapiens_mm.checkpoints.bundled import NOTE
from sapiens_mm.vocabulary import (
    LOADERS,
    VocabularyWarning,
    keypoints_of,
    names_something,
    parts_of,
)

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
        ValueError: If a checkpoint without config is of another task, its own config
            cannot be used, or none of ours fits it.
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


def config_of(path: Path, task: str | None) -> str | Config:
    """Tell the config of a checkpoint: its own, or the one of ours that fits.

    Args:
        path: Of the checkpoint.
        task: What it must be for; None: anything with an encoder.

    Returns:
        The config in the checkpoint if it was trained with ours; else the name of the
        one that its tensors fit, or that config with the names of the checkpoint's
        ``dataset_meta`` where these are others.

    Raises:
        ValueError: If it is of another task, its own config cannot be used, or none
            of ours fits.
    """
    checkpoint = read_checkpoint(path)
    found = identify(checkpoint.state_dict)
    if task is not None and found.task != task:
        raise ValueError(f'{path} is {found.describe()}, not one of {task}')
    own = trained_config(checkpoint)
    if own is not None:
        return own
    names = found.config_names()
    if not names:
        raise ValueError(
            f'{path} is {found.describe()}: name its config, it is none of ours'
        )
    # several are of one model: LIP and CIHP have the same classes
    return _with_own_names(names[0], checkpoint, found)


def _with_own_names(name: str, checkpoint: Checkpoint, found: Identity) -> str | Config:
    """Bring the vocabulary of a checkpoint into the config that its tensors fit."""
    read = {'pose': keypoints_of, 'seg': parts_of}.get(found.task)
    meta = checkpoint.meta.get('dataset_meta')
    if read is None or not names_something(meta):
        return name
    count = found.num_outputs
    try:
        table = read(Config(), count, meta)
    except ValueError as error:
        # files of other code have a meta of their own, whose weights fit all the same
        warnings.warn(
            f'{checkpoint.path}: {error}; the names are those of {name}',
            VocabularyWarning,
            stacklevel=5,
        )
        return name
    config = load_config(name)
    if read(config, count).names == table.names:
        return name
    for loader in LOADERS:
        config[loader] = dict(dataset=dict(metainfo=table.metainfo()))
    config.pop('part_table', None)
    return config
