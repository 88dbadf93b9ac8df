"""What the pipeline must know about each kind of map."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class MapKind:
    """A kind of continuous map.

    Attributes:
        name: ``'depth'`` or ``'normal'``.
        channels: C of the map.
        background: Value of background pixels in training targets.
        turns: The values are directions in our frame: they turn and mirror with the
            image, and have length 1.
        folder: Its usual folder in a data set of the RenderPeople layout.
    """

    name: str
    channels: int
    background: float
    turns: bool
    folder: str


KINDS = {
    kind.name: kind
    for kind in (
        MapKind('depth', 1, background=-1.0, turns=False, folder='depth'),
        MapKind('normal', 3, background=-1000.0, turns=True, folder='normal'),
    )
}


def map_kind(name: str) -> MapKind:
    """Look up a kind.

    Raises:
        ValueError: If there is none of that name.
    """
    if name not in KINDS:
        raise ValueError(f'kind must be one of {", ".join(KINDS)}; got {name!r}')
    return KINDS[name]
