"""How depth and normals are compared: every choice that changes a number, by name."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from sapiens_mm.geometry.alignment import check_choices

PIXELS = ('human', 'all')
AVERAGES = ('per_image', 'pooled')


@dataclasses.dataclass(frozen=True)
class NormalProtocol:
    """Choices of a comparison of normals.

    Attributes:
        name: Of the preset, followed by what was changed.
        pixels: ``'human'``, pixels of the mask, or ``'all'``; of both only those where
            the ground truth is valid.
        average: ``'per_image'``, the mean of the figures of each image, or
            ``'pooled'``, the figures of all pixels of all images.
    """

    name: str
    pixels: str = 'human'
    average: str = 'per_image'

    def __post_init__(self) -> None:
        for field, known in (('pixels', PIXELS), ('average', AVERAGES)):
            value = getattr(self, field)
            if value not in known:
                raise ValueError(
                    f'{field} must be one of {", ".join(known)}; got {value!r}'
                )

    def choices(self) -> dict[str, Any]:
        """Return all choices by name, without that of the protocol."""
        choices = dataclasses.asdict(self)
        choices.pop('name')
        return choices

    def __str__(self) -> str:
        choices = ', '.join(f'{k}={v}' for k, v in self.choices().items())
        return f'{self.name} ({choices})'


@dataclasses.dataclass(frozen=True)
class DepthProtocol(NormalProtocol):
    """Choices of a comparison of depths.

    Attributes:
        align: ``'none'``, ``'scale'`` or ``'scale_shift'``, of each image.
        space: Of the fit, ``'depth'`` or ``'inverse'``.
        fit: ``'least_squares'`` or ``'median'``.
        clip: Bound of the aligned depth, see ``align_depth``; None for no bound.
        invert: Take 1 / prediction before the fit.
    """

    align: str = 'scale_shift'
    space: str = 'depth'
    fit: str = 'least_squares'
    clip: float | None = None
    invert: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choices(self.align, self.space, self.fit, self.clip)
        if not isinstance(self.invert, bool):
            raise ValueError(f'invert must be True or False, got {self.invert!r}')


DEPTH_PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        DepthProtocol('sapiens', space='inverse', clip=10.0),
        DepthProtocol('david'),
        DepthProtocol('raw', align='none'),
    )
}
NORMAL_PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        NormalProtocol('sapiens'),
        NormalProtocol('pooled', average='pooled'),
    )
}
_Protocol = TypeVar('_Protocol', bound=NormalProtocol)


def choose_protocol(
    presets: dict[str, _Protocol], name: str, changes: dict[str, Any]
) -> _Protocol:
    """Return a preset, or one with other choices and a name that says which.

    Args:
        presets: ``DEPTH_PROTOCOLS`` or ``NORMAL_PROTOCOLS``.
        name: One of them.
        changes: Choices by name.

    Raises:
        ValueError: For an unknown preset, choice or value.
    """
    if name not in presets:
        raise ValueError(f'protocol must be one of {", ".join(presets)}; got {name!r}')
    preset = presets[name]
    known = preset.choices()
    unknown = sorted(set(changes) - set(known))
    if unknown:
        raise ValueError(
            f'{", ".join(unknown)}: no choice of a protocol; those are '
            f'{", ".join(known)}'
        )
    changed = {k: v for k, v in changes.items() if v != known[k]}
    if changed:
        name += ' with ' + ', '.join(f'{k}={v}' for k, v in changed.items())
    return dataclasses.replace(preset, name=name, **changes)
