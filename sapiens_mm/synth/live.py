"""Samples rendered when they are asked for, for trainings that need no disk."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sapiens_mm.synth.sample import Sample, render
from sapiens_mm.synth.settings_text import scene_settings_from


class SyntheticHumans:
    """A sequence of samples, rendered anew in every epoch.

    Sample i of epoch e is sample ``e * length + i`` of the seed's endless series: it
    does not depend on the process that renders it or on what was rendered before, so a
    training that resumes sees the images it would have seen.

    Args:
        length: Samples in an epoch.
        seed: Of the series, 0 or more.
        settings: Scene settings by name; the others keep their defaults.
        size_hw: Height and width of images, pixels.
        new_each_epoch: If not, every epoch has the same samples.

    Raises:
        ValueError: If an argument is impossible.
    """

    def __init__(
        self,
        length: int,
        seed: int = 0,
        settings: Mapping[str, Any] | None = None,
        size_hw: tuple[int, int] = (1024, 768),
        new_each_epoch: bool = True,
    ) -> None:
        if length < 1:
            raise ValueError(f'length is {length!r}; it must be 1 or more')
        if seed < 0:
            raise ValueError(f'seed is {seed!r}; it must be 0 or more')
        if len(size_hw) != 2 or min(size_hw) < 64:
            raise ValueError(
                f'size_hw is {size_hw!r}; it must be (height, width), 64 or more'
            )
        self.length, self.seed = int(length), int(seed)
        self.settings = scene_settings_from(settings or {})
        self.size_hw = tuple(size_hw)
        self.new_each_epoch = new_each_epoch
        self.epoch = 0
        # numba reports at this level what it compiles; loggers of trainings pass it on
        logging.getLogger('numba').setLevel(logging.WARNING)

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, counted from 0."""
        self.epoch = epoch if self.new_each_epoch else 0

    def number_of(self, index: int) -> int:
        """Return the place in the seed's series of a sample of this epoch."""
        return self.epoch * self.length + index

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        """Render a sample of this epoch.

        Raises:
            IndexError: If there is none of that index.
        """
        if not 0 <= index < self.length:
            raise IndexError(f'{index} is not in 0 to {self.length - 1}')
        return render(self.seed, self.number_of(index), self.settings, self.size_hw)


IMAGE_LOADERS = ('SapiensLoadImage', 'LoadImageFromFile', 'LoadImage')
"""Types without scope of the steps that :class:`TakeImage` goes in place of."""


class TakeImage:
    """In place of a loader of images: the image of ``sample`` in ``results``."""

    def __call__(self, results: dict) -> dict:
        """Add ``img``, ``img_shape``, ``ori_shape``."""
        image = results['sample'].image
        return dict(
            results, img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2]
        )


def replace_steps(pipeline: list, replacements: Mapping[str, Any]) -> list:
    """Return a pipeline with other steps in place of those of some names.

    Args:
        pipeline: Steps as in configs; dicts are known by their ``type``, a class or a
            name with a scope or not.
        replacements: Type without scope -> step.
    """
    steps = []
    for step in pipeline:
        kind = step.get('type') if isinstance(step, Mapping) else ''
        name = kind.__name__ if isinstance(kind, type) else str(kind)
        steps.append(replacements.get(name.rpartition('.')[2], step))
    return steps
