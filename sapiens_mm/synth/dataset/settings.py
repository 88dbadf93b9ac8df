"""What makes a written data set what it is, kept beside it to go on with later."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sapiens_mm.files import is_temporary, write_atomically
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.tasks import SPLITS

SETTINGS_FILE = 'dataset.json'
LAYOUT = 1  # of the files; another number cannot be gone on with
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class DatasetSettings:
    """Everything that decides the bytes of a data set, but how many samples.

    Attributes:
        seed: Of the data set, 0 or more.
        size_hw: Height and width of images, pixels.
        scene: What the generator draws how often.
        shares: Of train, val and test; they add up to 1.
        depth_mm: Unit of the stored depth, millimetres; it reaches 65535 times as far.
        bump: Write normals with wrinkles and pores, too.
        shard_size: Samples in a tar file.

    Raises:
        ValueError: Names the value that is wrong and what it may be.
    """

    seed: int = 0
    size_hw: tuple[int, int] = (1024, 768)
    scene: SceneSettings = field(default_factory=SceneSettings)
    shares: tuple[float, float, float] = (0.9, 0.05, 0.05)
    depth_mm: float = 0.5
    bump: bool = False
    shard_size: int = 500

    def __post_init__(self) -> None:
        """Check what ``render`` does not."""
        shares = tuple(float(share) for share in self.shares)
        if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise ValueError(
                f'shares of train, val and test are {self.shares}; they must be three '
                'numbers of 0 or more that add up to 1'
            )
        object.__setattr__(self, 'shares', shares)
        if not 0.01 <= self.depth_mm <= 10:
            raise ValueError(f'depth_mm is {self.depth_mm}; it must be 0.01 to 10')
        if self.shard_size < 1:
            raise ValueError(f'shard_size is {self.shard_size}; it must be 1 or more')
        if self.seed < 0:
            raise ValueError(f'seed is {self.seed}; it must be 0 or more')
        if min(self.size_hw) < 64:
            raise ValueError(
                f'size_hw is {self.size_hw}; both must be 64 pixels or more'
            )

    def split_of(self, index: int) -> str:
        """Return the split of a sample: ``train``, ``val`` or ``test``.

        People live in one sample alone, so a split of samples is one of subjects. The
        multiples of the golden ratio keep the shares at every length of the set, and
        a set that grows leaves its samples where they are.
        """
        place = (index + 0.5) * _GOLDEN % 1.0
        bounds = np.cumsum(self.shares)
        return SPLITS[min(int(np.searchsorted(bounds, place, 'right')), 2)]

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of files of a sample."""
        kinds = ('image', 'labels', 'instances', 'depth', 'normal')
        return (*kinds, 'normal_bump') if self.bump else kinds

    def as_dict(self) -> dict[str, Any]:
        """Return the settings for JSON."""
        # through JSON, so that tuples compare as the lists of a file
        return json.loads(json.dumps({'layout': LAYOUT} | asdict(self)))


def claim_folder(root: Path, settings: DatasetSettings) -> None:
    """Begin a data set in a folder, or go on with one of the same settings.

    Raises:
        ValueError: If the folder holds another data set, or something else.
    """
    path, wanted = root / SETTINGS_FILE, settings.as_dict()
    if not path.exists():
        if root.is_dir() and not all(is_temporary(p.name) for p in root.iterdir()):
            raise ValueError(
                f'{root} is neither empty nor a data set of this tool: {SETTINGS_FILE} '
                'is missing; name another folder'
            )
        write_atomically(path, (json.dumps(wanted, indent=1) + '\n').encode())
        return
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f'{path} is not JSON: {error}') from None
    # data sets of version 0.1 have the scene's settings under this name
    if isinstance(found, dict) and 'knobs' in found:
        found['scene'] = found.pop('knobs')
    if found == wanted:
        return
    differing = [
        f'{name} was {old!r} and is now {new!r}'
        for name, old, new in _differences(found, wanted)
    ]
    raise ValueError(
        f'{root} was begun with other settings: {"; ".join(differing)}; name another '
        'folder, or the same settings'
    )


def _differences(old: Any, new: Any, name: str = '') -> list[tuple[str, Any, Any]]:
    """Return (name, old, new) of what differs in nested dicts."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [(name, old, new)] if old != new else []
    found = []
    for key in sorted({*old, *new}):
        found += _differences(old.get(key), new.get(key), key)
    return found
