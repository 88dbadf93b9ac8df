"""Checkpoints: what ``sapiens convert checkpoint --info`` says, or what is broken."""

from __future__ import annotations

from pathlib import Path

from sapiens_mm.checkpoints import (
    CheckpointError,
    ReleasedFile,
    read_checkpoint,
    resolve,
)
from sapiens_mm.checkpoints.convert import describe
from sapiens_mm.checkpoints.locate import find_here
from sapiens_mm.checks.request import Finding


def check_checkpoint(source: str | Path) -> Finding:
    """Say what a checkpoint is.

    Args:
        source: As :func:`~sapiens_mm.checkpoints.resolve` takes; an address is
            fetched.
    """
    try:
        return Finding(describe(read_checkpoint(resolve(source))))
    except CheckpointError as error:
        return Finding(str(error), is_faulty=True)


def check_released(file: ReleasedFile) -> Finding:
    """Say what a released file is, and check it if it is on this machine."""
    path = find_here(file)
    if path is not None:
        return check_checkpoint(path)
    metric = f', reported {file.metric}' if file.metric else ''
    return Finding(
        f'{file.name} is a released file that is not on this machine: {file.task}, '
        f'{file.size}, {file.dataset}, about {file.num_bytes / 1e6:,.0f} MB, '
        f'{file.licence}{metric}.\nfetch it: sapiens zoo --fetch {file.name}'
    )
