"""Evaluation sets given as a list of files."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from sapiens_mm.geometry.map_dataset import SapiensMapDataset
from sapiens_mm.registry import DATASETS


@DATASETS.register_module()
class SapiensMapListDataset(SapiensMapDataset):
    """Images, masks and maps named in a text file, for sets in layouts of their own.

    One line a sample: ``image mask map [group]``, paths relative to ``data_root``, in
    quotes where they hold blanks; ``-`` for no mask; ``#`` begins a comment. The group,
    such as the framings ``face``, ``upper_body`` and ``full_body`` of THuman2 renders,
    goes with the sample as ``group``, and metrics report each.

    Args:
        kind: ``'depth'`` or ``'normal'``.
        ann_file: The list.
        groups: Take samples of these groups only; None takes all.
        **kwargs: Of :class:`SapiensMapDataset`, ``data_prefix`` excepted.

    Raises:
        ValueError: If a line cannot be read or names files that do not exist.
    """

    def __init__(
        self,
        kind: str,
        *,
        ann_file: str,
        groups: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.groups = groups
        super().__init__(kind, ann_file=ann_file, data_prefix={}, **kwargs)

    def find_samples(self) -> list[dict[str, Any]]:
        """Read the list."""
        path = Path(self.ann_file)
        if not path.is_file():
            raise ValueError(f'the list {path} does not exist')
        samples, missing, seen = [], [], set()
        for number, line in enumerate(
            path.read_text(encoding='utf-8-sig').splitlines(), 1
        ):
            try:
                words = shlex.split(line, comments=True)
            except ValueError as error:
                raise ValueError(f'{path}, line {number}: {error}') from None
            if not words:
                continue
            if len(words) not in (3, 4):
                raise ValueError(
                    f'{path}, line {number} has {len(words)} entries; expected '
                    'image mask map [group]'
                )
            group = words[3] if len(words) == 4 else None
            seen.add(group)
            if self.groups is not None and group not in self.groups:
                continue
            image, mask, values = (
                None if word == '-' else str(Path(self.data_root or '', word))
                for word in words[:3]
            )
            if image is None or values is None:
                raise ValueError(f'{path}, line {number}: only the mask may be -')
            files = (image, mask, values)
            missing += [file for file in files if file and not Path(file).is_file()]
            sample = dict(img_path=image, mask_path=mask, map_path=values)
            samples.append(sample if group is None else dict(sample, group=group))
        if missing:
            first = ', '.join(missing[:3]) + (', …' if len(missing) > 3 else '')
            raise ValueError(f'{path} names {len(missing)} missing files: {first}')
        if not samples:
            there = ', '.join(sorted(group for group in seen if group)) or 'none'
            wanted = f' of the groups {self.groups}; there are {there}'
            raise ValueError(
                f'{path} holds no sample' + (wanted if self.groups is not None else '')
            )
        return samples
