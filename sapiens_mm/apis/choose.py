"""Which config and which weights run when the caller leaves one or both out."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

from mmengine.config import Config

from sapiens_mm.apis.build import load_config
from sapiens_mm.checkpoints import (
    Checkpoint,
    Identity,
    bundled_for,
    identify,
    read_checkpoint,
    resolve,
    trained_config,
)
from sapiens_mm.checkpoints.bundled import NOTE, bundled_with
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
        own = None
        if config is None:
            own = bundled_for(task)
        elif not isinstance(config, Config):
            own = bundled_with(config)
        if own is not None and own.path.is_file():
            # the level of the user's call, past the constructor
            warnings.warn(f'{own.name}: {NOTE}', stacklevel=4)
            return own.config, own.path
        return config, None
    if config is not None:
        return config, checkpoint
    found = recognise(checkpoint)
    found.require(task)
    return found.config(), found.path


@dataclasses.dataclass(frozen=True)
class Recognised:
    """A checkpoint that was opened, once, and what it is.

    Attributes:
        path: The file.
        content: As ``read_checkpoint`` returns it.
        identity: What its tensors tell.
    """

    path: Path
    content: Checkpoint
    identity: Identity

    def require(self, task: str, sentence: str | None = None) -> None:
        """Refuse a checkpoint of another task.

        Args:
            task: What it must be for.
            sentence: How the message ends; None says which task that is.

        Raises:
            ValueError: If it is.
        """
        if self.identity.task != task:
            end = f', not one of {task}' if sentence is None else f'; {sentence}'
            raise ValueError(f'{self.path} is {self.identity.describe()}{end}')

    def config(self) -> str | Config:
        """Tell its config: its own, or the one of ours that fits.

        Returns:
            The config in the checkpoint if it was trained with ours; else the name of
            the one that its tensors fit, or that config with the names of the
            checkpoint's ``dataset_meta`` where these are others.

        Raises:
            ValueError: If its own config cannot be used, or none of ours fits.
        """
        own = trained_config(self.content)
        if own is not None:
            return own
        names = self.identity.config_names()
        if not names:
            raise ValueError(
                f'{self.path} is {self.identity.describe()}: name its config, it is '
                'none of ours'
            )
        # several are of one model: LIP and CIHP have the same classes
        return _with_own_names(names[0], self.content, self.identity)

    def config_name(self) -> str | None:
        """Name the config of ours that it fits; None where the checkpoint holds it."""
        config = self.config()
        return None if isinstance(config, Config) else config


def recognise(source: str | Path) -> Recognised:
    """Open a checkpoint to tell what it is and which config it fits.

    Args:
        source: Anything ``sapiens_mm.checkpoints.resolve`` takes.

    Raises:
        CheckpointError: If it cannot be read.
    """
    path = resolve(source)
    content = read_checkpoint(path)
    return Recognised(path, content, identify(content))


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
