"""Maps that are stored otherwise than they are read: told by what cannot be true.

Nobody is seen without a component of a normal that is negative, and the depth of people
does not spread over orders of magnitude.
"""

from __future__ import annotations

import math

import numpy as np

from sapiens_mm.data.files import BadFileError
from sapiens_mm.geometry.map_checks import NEAREST_RELATIVE, known_pixels
from sapiens_mm.geometry.map_files import read_map
from sapiens_mm.geometry.map_kinds import MapKind

_NO_NEGATIVES = 0.01  # of each component, for a file that holds none
_FEW = 64  # pixels that need not be curved
_ENOUGH = 20000  # pixels of normals to look at
_FLAT = 0.95  # length of the mean direction from which a surface is about flat
# lengths of unit vectors: how far from 1 the median may be, and how far apart quarters
_OFF, _UNEVEN, _UNEVEN_WHOLE = 0.1, 1.3, 1.1
_FULL, _CLIPPED = (127, 128, 255, 32767, 32768), 0.05  # where, and more than a few
# depth: a spread by the median, and a gap below one repeated value
_SPREAD, _GAP = 1000.0, 3.0
_TOPS = (65535.0, 65504.0, 2.0**31 - 1, 2.0**32 - 1, float(np.finfo(np.float32).max))


def read_known(path: str, kind: MapKind, form: dict) -> tuple[np.ndarray, np.ndarray]:
    """Read a map as its format says, and which of its pixels say something.

    Args:
        path: The file.
        kind: Depth or normals.
        form: ``scale``, ``encoding``, ``layer``, ``invalid_value`` and
            ``near_is_zero``; what is missing has its default.

    Returns:
        Shape (H, W) or (H, W, 3), float32, and (H, W) bool.

    Raises:
        BadFileError: If it cannot be read so.
    """
    encoding = form.get('encoding')
    values = read_map(
        path, kind.channels, form.get('scale'), encoding, form.get('layer')
    )
    known = known_pixels(
        values,
        unknown_value(form),
        kind.turns,
        form.get('near_is_zero', False),
        from_rgb=kind.turns and is_rgb(path, encoding),
    )
    return values, known


def is_rgb(path: str, encoding: str | None) -> bool:
    """Tell whether normals of a file are read as (n + 1) / 2."""
    return encoding == 'rgb' or (encoding is None and path.lower().endswith('.png'))


def unknown_value(form: dict) -> float | None:
    """Return the number for "unknown" as it is after scaling, rounded alike."""
    stored, scale = form.get('invalid_value'), form.get('scale')
    if stored is None or scale is None:
        return stored
    return np.float32(stored) * np.float32(scale)


def check_encoding(
    path: str,
    values: np.ndarray,
    people: np.ndarray,
    kind: MapKind,
    form: dict,
    any_length: bool = False,
) -> None:
    """Refuse a map that cannot be what its format says.

    Args:
        path: The map's file.
        values: Of :func:`read_known`.
        people: Shape (H, W), > 0 on people whose values are known.
        kind: Depth or normals.
        form: As in :func:`read_known`.
        any_length: Take vectors of uneven lengths, as networks predict them.

    Raises:
        BadFileError: With the likely encoding, and the option that reads it.
    """
    if not kind.turns:
        _check_depth(path, values[people > 0], form)
        return
    places = np.flatnonzero(people > 0)  # shares of them tell as much
    inside = values.reshape(-1, 3)[places[:: len(places) // _ENOUGH + 1]]
    if not len(inside):
        return
    if is_rgb(path, form.get('encoding')):
        _check_lengths_of_rgb(path, inside)
    else:
        _check_vectors(path, inside, any_length)


def _check_vectors(path: str, vectors: np.ndarray, any_length: bool) -> None:
    """Refuse vectors (M, 3) that are something else."""
    lengths = np.linalg.norm(vectors, axis=1)
    if (vectors < 0).mean(0).max() >= _NO_NEGATIVES:
        if not any_length:
            _check_evenness(path, vectors, lengths)
        return
    nowhere = f'{path} has no negative component on people'
    for top, words in ((1, '0 to 1'), (255, '0 to 255'), (65535, '0 to 65535')):
        # 2 n - 1 is back to a vector: its length tells which range was stored
        decoded = np.linalg.norm(vectors * np.float32(2 / top) - 1, axis=1)
        if abs(np.median(decoded) - 1) < _OFF:
            raise BadFileError(
                f'{nowhere}, so these are no vectors, but (n + 1) / 2 in {words}: set '
                "encoding='rgb'"
            )
    directions = vectors / lengths[:, None].clip(1e-12)
    flat = np.linalg.norm(directions.mean(0)) > _FLAT
    if _spread(lengths) < 1.02 and (flat or len(vectors) < _FEW):
        return
    raise BadFileError(
        f'{nowhere}: normals of people point to both sides, so signs were lost; these '
        'are neither vectors nor (n + 1) / 2'
    )


def _check_evenness(path: str, vectors: np.ndarray, lengths: np.ndarray) -> None:
    """Refuse vectors of uneven lengths: clipped, wrapped round or decoded twice."""
    whole = np.median(lengths) > 2 and (vectors == np.rint(vectors)).all()
    largest = np.abs(vectors).max(1)
    # one component of 255 may be a vector along an axis; a clipped one is longer
    clipped = np.isin(largest, _FULL) & (lengths > 1.05 * largest)
    if whole and clipped.mean() > _CLIPPED:
        raise BadFileError(
            f'{path} holds vectors of whole numbers, {clipped.mean():.0%} of them on '
            f'people clipped at {np.median(largest[clipped]):g}: their directions are '
            'lost'
        )
    if _spread(lengths) < (_UNEVEN_WHOLE if whole else _UNEVEN):
        return
    heights = np.median(np.abs(vectors), axis=0)
    alike = (np.abs(np.abs(vectors) - heights) < 1e-3 * heights).mean(0) > 0.9
    if alike.any():  # slopes, (x, y, 1): their directions are right
        return
    quarters = np.quantile(lengths, (0.25, 0.75))
    raise BadFileError(
        f'{path} holds vectors of uneven lengths on people, {quarters[0]:.3g} to '
        f'{quarters[1]:.3g} for the half in the middle: wrapped round or decoded '
        'twice, they are no directions'
    )


def _spread(lengths: np.ndarray) -> float:
    low, high = np.quantile(lengths, (0.25, 0.75))
    return float(high / max(low, 1e-12))


def _check_lengths_of_rgb(path: str, vectors: np.ndarray) -> None:
    median = float(np.median(np.linalg.norm(vectors, axis=1)))
    if abs(median - 1) > _OFF:
        raise BadFileError(
            f'{path}: read as (n + 1) / 2, its vectors on people have a length of '
            f'{median:.2f} in the median, not 1: they are stored otherwise, such as '
            'with a gamma, or as vectors'
        )


def _check_depth(path: str, depth: np.ndarray, form: dict) -> None:
    """Refuse depth (M,) in which a number stands for "unknown"."""
    if not len(depth):
        return
    relative = form.get('near_is_zero', False)
    # the least depth of near_is_zero is a sentinel, and dropped, as 0 elsewhere
    shifted = depth.astype(np.float64) - (NEAREST_RELATIVE if relative else 0)
    median, highest, lowest = np.median(shifted), shifted.max(), shifted.min()
    scale = form.get('scale') or 1.0
    stored = float(depth.max()) / scale
    rest = shifted[shifted < highest]
    below = float(rest.max()) if rest.size else highest
    gap, count = highest / max(below, 1e-30), len(shifted) - len(rest)
    is_top = any(math.isclose(stored, top, rel_tol=1e-6) for top in _TOPS)
    # 999 and 9999 are used too, so nearly a power of ten counts
    is_round = stored >= 999 and math.isclose(
        math.log10(stored), round(math.log10(stored)), abs_tol=5e-4
    )
    varied = rest.size > 0 and np.ptp(rest) > 0
    if (
        highest > _SPREAD * median
        or (gap >= _GAP and varied and (count > 1 or is_round))
        or (is_top and highest > 2 * median)
        or median == highest > _SPREAD * lowest  # most of the people are unknown
    ):
        _refuse(path, depth, (shifted == highest) | (shifted > _SPREAD * median), scale)
    if median > _SPREAD * lowest:
        _refuse(path, depth, shifted * _SPREAD < median, scale)


def _refuse(path: str, depth: np.ndarray, wild: np.ndarray, scale: float) -> None:
    """Refuse depth (M,), wild where ``wild`` is set."""
    # rounded up, so that the share that is advised suffices
    share = math.ceil(1000 * wild.mean()) / 1000
    found = np.unique(depth[wild])
    low, high = (_stored_number(value / scale) for value in (found[0], found[-1]))
    number = high if len(found) == 1 else f'{low} to {high}'
    said = f'{path} holds {number} on {wild.sum()} of {len(depth)} pixels of people'
    if not wild.all():
        said += f' (the others: {np.median(depth[~wild]):.3g} in the median)'
    if len(found) > 1:
        raise BadFileError(
            f'{said}, as where a rim was blended with a number for unknown: store NaN '
            f'there and set max_holes={share:g} or more, or leave the rim out of masks '
            'by mask_threshold'
        )
    raise BadFileError(
        f'{said}, so it seems to stand for unknown: set invalid_value={high}, and '
        f'max_holes={share:g} or more, the share of people that may be unknown'
    )


def _stored_number(value: float) -> str:
    """Write a number of a file as one writes it, rounded as float32 is."""
    whole = 1 <= value < 1e7 and math.isclose(value, round(value), rel_tol=1e-6)
    return str(round(value)) if whole else str(np.float32(value))
