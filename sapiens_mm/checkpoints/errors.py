"""The one error a user meets when a weights file is not what it should be."""

from __future__ import annotations


class CheckpointError(ValueError):
    """A checkpoint cannot be found, read or fitted; the message is one sentence."""
