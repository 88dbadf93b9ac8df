"""What the converters of JSON files have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sapiens_mm.files import write_atomically


def write_json(path: Path, content: Any) -> None:
    """Write a whole file or none.

    Raises:
        ValueError: If a number is not finite.
        OSError: If it cannot be written.
    """
    write_atomically(path, json.dumps(content, allow_nan=False).encode())


def refuse_existing(path: Path, force: bool) -> None:
    """Raise ValueError rather than overwrite."""
    if path.is_dir():
        raise ValueError(f'{path} is a folder; name a file in it')
    if path.exists() and not force:
        raise ValueError(f'{path} exists; pass --force to overwrite it')
