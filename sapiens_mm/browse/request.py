"""What ``sapiens browse`` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BrowseRequest:
    """What ``sapiens browse`` is asked to do.

    Attributes:
        config: A config by name or path.
        cfg_options: KEY=VALUE words, changes to the config.
        split: One of ``SPLITS``.
        count: Samples.
        out_dir: For the images; None: ``work_dirs/CONFIG/browse_SPLIT``.
        seed: Of the choice of samples and of the augmentations.
        skip_bad: Leave out samples with bad files.

    Raises:
        ValueError: If ``count`` is below 1.
    """

    config: str
    cfg_options: tuple[str, ...] = ()
    split: str = 'train'
    count: int = 16
    out_dir: Path | None = None
    seed: int = 0
    skip_bad: bool = False

    def __post_init__(self) -> None:
        """Check the number."""
        if self.count < 1:
            raise ValueError(f'--count must be at least 1, got {self.count}')

    @property
    def folder(self) -> Path:
        """Where the images go."""
        name = Path(self.config).name.removesuffix('.py')
        return self.out_dir or Path('work_dirs', name, f'browse_{self.split}')
