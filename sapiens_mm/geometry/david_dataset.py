"""SynthHuman, the open data of DAViD: rendered people with depth and normals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from sapiens_mm.data.files import FileKind
from sapiens_mm.geometry.map_dataset import SapiensMapDataset
from sapiens_mm.registry import DATASETS

# first number of each framing; the data set has 298,008 samples
FRAMINGS = {'face': 0, 'full_body': 98040, 'upper_body': 198016}
_TOTAL = 298008
# the largest float16, which their EXR files hold
_HALF_MAX = 65504.0  # in depth files: nothing there


@dataclass(frozen=True)
class PrefixedFiles(FileKind):
    """Files named by a prefix and a number, all kinds in one folder.

    Attributes:
        prefix: What their names begin with.
    """

    prefix: str = ''

    def sample_of(self, name: str) -> str | None:
        """Return the folder and number of ``rgb_0000007.png``, or None."""
        path = PurePath(name)
        number = path.stem.removeprefix(self.prefix)
        right = path.suffix.lower() in self.suffixes and number.isdigit()
        return (path.parent / number).as_posix() if right else None


@DATASETS.register_module()
class SapiensSynthHumanDataset(SapiensMapDataset):
    """SynthHuman (Saleh et al. 2025), for depth or normals.

    The unpacked archives lie in ``data_root``, in folders or not: ``rgb_N.png``,
    ``alpha_N.png``, ``depth_N.exr`` and ``normal_N.exr``, N of seven digits. Depth is z
    in centimetres, given in metres here. The authors call the normals "XYZ" and say no
    more, so their axes are measured on the data at the start unless you state them.
    The data has no official split: here every ``val_every``-th number is for
    validation.

    Args:
        kind: ``'depth'`` or ``'normal'``.
        framings: Some of ``face``, ``full_body``, ``upper_body``; None takes all. The
            numbers tell them apart.
        split: ``'train'``, ``'val'`` or None for all.
        val_every: See above.
        axes: As in :class:`SapiensMapDataset`; for normals only.
        mask_threshold: Alpha, 0 to 255, above which a pixel counts as a person.
        max_holes: Share of a person's pixels that may be unknown: depth is where
            nothing was hit, at the soft edge of hair.
        **kwargs: Of :class:`SapiensMapDataset`, ``data_prefix`` excepted.

    Raises:
        ValueError: If an argument is wrong, or nothing matches.
    """

    def __init__(
        self,
        kind: str,
        *,
        framings: list[str] | None = None,
        split: str | None = None,
        val_every: int = 100,
        axes: str = 'auto',
        mask_threshold: int = 127,
        max_holes: float = 0.05,
        **kwargs: Any,
    ) -> None:
        unknown = sorted(set(framings or ()) - set(FRAMINGS))
        if unknown:
            raise ValueError(f'framings must be of {list(FRAMINGS)}, got {unknown}')
        if split not in (None, 'train', 'val'):
            raise ValueError(f"split must be 'train', 'val' or None, got {split!r}")
        if val_every < 2:
            raise ValueError(f'val_every must be at least 2, got {val_every}')
        self.framings, self.split, self.val_every = framings, split, val_every
        depth = dict(map_scale=0.01, depth_unit='m', invalid_value=_HALF_MAX)
        super().__init__(
            kind,
            data_prefix=dict(img_path='', mask_path='', map_path=''),
            mask_threshold=mask_threshold,
            max_holes=max_holes,
            **(depth if kind == 'depth' else dict(axes=axes)),
            **kwargs,
        )

    def find_samples(self) -> list[dict[str, Any]]:
        """Match the files; take those of the split and the framings."""
        root = self.data_prefix['img_path']
        samples = self.match(
            {
                'image': PrefixedFiles(root, ('.png',), prefix='rgb_'),
                'map': PrefixedFiles(root, ('.exr',), prefix=f'{self.kind.name}_'),
                'mask': PrefixedFiles(root, ('.png',), prefix='alpha_'),
            }
        )
        taken = []
        for sample in samples:
            number = int(PurePath(sample['img_path']).stem.removeprefix('rgb_'))
            group = framing_of(number)
            if self.framings is not None and group not in self.framings:
                continue
            if self.split and (number % self.val_every == 0) != (self.split == 'val'):
                continue
            taken.append(dict(sample, group=group))
        if not taken:
            raise ValueError(
                f'none of {len(samples)} samples in {root} is of split={self.split!r} '
                f'and framings={self.framings}'
            )
        return taken


def framing_of(number: int) -> str:
    """Return the framing of a sample, by its number.

    Raises:
        ValueError: If SynthHuman has no such number.
    """
    if not 0 <= number < _TOTAL:
        raise ValueError(f'SynthHuman has the numbers 0 to {_TOTAL - 1}, not {number}')
    return [name for name, first in FRAMINGS.items() if first <= number][-1]
