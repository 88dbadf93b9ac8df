"""Vocabularies out of what data sets, files and checkpoints say of themselves.

Keypoints come in two forms: the one that mmpose's configs state (``keypoint_info``,
``skeleton_info``) and the one it parses them into, which checkpoints hold as
``dataset_meta``. Classes come as mmseg's ``classes`` and ``palette``. After a way
through JSON the numbers that are keys are text; both are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .generate import DEFAULT_SIGMA, distinct_colors
from .lookup import find_keypoint_table, find_part_table, keypoint_table
from .schema import RGB, KeypointTable, PartTable

MAX_CLASSES = 255
"""Labels are uint8, and 255 stands for no label."""

_LINK_COLOR = (96, 96, 255)  # mmpose's, where a link has none
_DIGITS = 6  # of sigmas and weights, which mmpose keeps in float32


def keypoint_table_from_metainfo(meta: Mapping[str, Any]) -> KeypointTable:
    """Read a keypoint vocabulary.

    Colours that are missing are generated. Groups are taken from one of our tables if
    that has the same names, else from ``group`` of the entries of ``keypoint_info``;
    mmpose knows none.

    Args:
        meta: As mmpose's data sets take it, or as they return it (``dataset_meta``).

    Returns:
        The table.

    Raises:
        ValueError: If it is no such thing, or a name, a mirror image, a link, a colour
            or a number in it cannot be; one sentence.
    """
    if not isinstance(meta, Mapping):
        raise ValueError(f'a metainfo must be a dict, got {type(meta).__name__}')
    if 'keypoint_info' in meta:
        table = _from_stated(meta)
    elif 'keypoint_id2name' in meta:
        table = _from_parsed(meta)
    else:
        raise ValueError(
            'a metainfo of keypoints needs keypoint_info, it has '
            f'{", ".join(map(str, meta)) or "nothing"}'
        )
    ours = find_keypoint_table(table.names)
    return table if ours is None else replace(table, groups=ours.groups)


def part_table_from_metainfo(meta: Mapping[str, Any]) -> PartTable:
    """Read the classes of a segmentation.

    Args:
        meta: ``classes``; ``palette`` (RGB), generated if it is missing or None;
            ``mirror_pairs``, pairs of names or ids of the classes that trade places
            in a mirror, ``[]`` for none. Where these are missing and the classes are
            not ours, it is unknown which do.

    Returns:
        The table.

    Raises:
        ValueError: If a class, a colour or a pair cannot be; one sentence.
    """
    if not isinstance(meta, Mapping) or not _as_list(meta.get('classes')):
        raise ValueError('a metainfo of segmentation needs a list of classes')
    classes = _names(_as_list(meta['classes']), 'class')
    if len(classes) > MAX_CLASSES:
        raise ValueError(
            f'there are {len(classes)} classes; labels hold at most {MAX_CLASSES}, as '
            '255 stands for no label'
        )
    ours = find_part_table(classes)
    palette = _as_list(meta.get('palette'))
    if palette:
        colors = _colors(palette, len(classes), 'classes')
    else:
        colors = ours.palette if ours else _class_colors(classes)
    pairs = meta.get('mirror_pairs')
    if pairs is None:
        swap, known = (ours.swap_pairs, True) if ours else ((), False)
    else:
        swap, known = _pairs(_as_list(pairs) or [], classes), True
    return PartTable(
        name=str(meta.get('dataset_name') or (ours.name if ours else 'classes')),
        classes=classes,
        palette=colors,
        class_weights=None,
        swap_pairs=swap,
        mirrors_known=known,
    )


def numbered_keypoints(count: int) -> KeypointTable:
    """Return a vocabulary for keypoints of which only the number is known.

    Args:
        count: K.

    Returns:
        Names ``keypoint_0`` and so on, generated colours, no links, no mirror images.
    """
    return KeypointTable(
        name='numbered',
        names=tuple(f'keypoint_{k}' for k in range(count)),
        flip_indices=tuple(range(count)),
        links=(),
        link_colors=(),
        keypoint_colors=distinct_colors(count),
        sigmas=(DEFAULT_SIGMA,) * count,
        groups={},
        types=('',) * count,
        joint_weights=(1.0,) * count,
        mirrors_known=False,
    )


def guess_keypoints(count: int) -> KeypointTable:
    """Return a vocabulary where nothing but the number of keypoints is known.

    Args:
        count: K.

    Returns:
        That of the released models with K keypoints, else :func:`numbered_keypoints`.
    """
    try:
        return keypoint_table(count)
    except ValueError:
        return numbered_keypoints(count)


def numbered_parts(count: int) -> PartTable:
    """Return classes of which only the number is known.

    Args:
        count: C, with the background.

    Returns:
        Names ``background``, ``class_1`` and so on, generated colours, no pairs.
    """
    classes = ('background', *(f'class_{c}' for c in range(1, count)))
    return replace(part_table_from_metainfo(dict(classes=classes)), name='numbered')


def _from_stated(meta: Mapping[str, Any]) -> KeypointTable:
    entries = _entries(meta['keypoint_info'], 'keypoint_info')
    names = _names([entry.get('name') for entry in entries], 'keypoint')
    ids = {name: k for k, name in enumerate(names)}
    mirrors = []
    for k, entry in enumerate(entries):
        # mmpose writes '' for keypoints of the middle
        swap = entry.get('swap') or names[k]
        if swap not in ids:
            raise ValueError(
                f'keypoint {names[k]!r} has the mirror image {swap!r}, which is none '
                'of the keypoints'
            )
        mirrors.append(ids[swap])
    links, link_colors = [], []
    for entry in _entries(meta.get('skeleton_info') or {}, 'skeleton_info'):
        link = _as_list(entry.get('link')) or []
        if len(link) != 2 or not set(link) <= set(ids):
            raise ValueError(
                f'the link {tuple(link)!r} does not name two of the keypoints'
            )
        links.append((ids[link[0]], ids[link[1]]))
        link_colors.append(_color(entry.get('color', _LINK_COLOR), 'a link'))
    given = [entry.get('color') for entry in entries]
    made = distinct_colors(len(names))
    groups: dict[str, tuple[int, ...]] = {}
    for k, entry in enumerate(entries):
        if group := entry.get('group'):
            groups[str(group)] = (*groups.get(str(group), ()), k)
    return _checked(
        meta,
        names,
        mirrors,
        links,
        link_colors,
        colors=[made[k] if c is None else c for k, c in enumerate(given)],
        types=[str(entry.get('type') or '') for entry in entries],
        groups=groups,
        weights=meta.get('joint_weights'),
    )


def _from_parsed(meta: Mapping[str, Any]) -> KeypointTable:
    names = _names(_entries(meta['keypoint_id2name'], 'keypoint_id2name'), 'keypoint')
    count = len(names)
    mirrors = _as_list(meta.get('flip_indices'))
    links = _as_list(meta.get('skeleton_links')) or []
    link_colors = _as_list(meta.get('skeleton_link_colors'))
    colors = _as_list(meta.get('keypoint_colors'))
    types = [''] * count
    for kind in ('upper', 'lower'):
        for k in _ids(_as_list(meta.get(f'{kind}_body_ids')) or [], count, 'a body id'):
            types[k] = kind
    return _checked(
        meta,
        names,
        range(count) if mirrors is None else mirrors,
        links,
        link_colors or [_LINK_COLOR] * len(links),
        colors=colors or distinct_colors(count),
        types=types,
        groups={},
        # what mmpose makes of joint_weights
        weights=meta.get('dataset_keypoint_weights'),
        mirrors_known=mirrors is not None,
    )


def _checked(
    meta: Mapping[str, Any],
    names: tuple[str, ...],
    mirrors: Iterable[Any],
    links: Sequence[Any],
    link_colors: Sequence[Any],
    *,
    colors: Sequence[Any],
    types: Sequence[str],
    groups: Mapping[str, tuple[int, ...]],
    weights: Any,
    mirrors_known: bool = True,
) -> KeypointTable:
    """Build the table from its parts, which may be of any origin."""
    count = len(names)
    flip = _ids(list(mirrors), count, 'a mirror image')
    if len(flip) != count:
        raise ValueError(f'there are {len(flip)} mirror images of {count} keypoints')
    for k, m in enumerate(flip):
        if flip[m] != k:
            raise ValueError(
                f'{names[m]!r} is the mirror image of {names[k]!r}, but that of '
                f'{names[m]!r} is {names[flip[m]]!r}'
            )
    pairs = []
    for link in links:
        ends = _ids(_as_list(link) or [], count, 'the end of a link')
        if len(ends) != 2:
            raise ValueError(f'a link has {len(ends)} ends: {ends}')
        pairs.append((ends[0], ends[1]))
    return KeypointTable(
        name=str(meta.get('dataset_name') or 'keypoints'),
        names=names,
        flip_indices=tuple(flip),
        links=tuple(pairs),
        link_colors=_colors(link_colors, len(pairs), 'links'),
        keypoint_colors=_colors(colors, count, 'keypoints'),
        sigmas=_numbers(meta.get('sigmas'), count, 'sigmas', DEFAULT_SIGMA, above=True),
        groups=dict(groups),
        types=tuple(types),
        joint_weights=_numbers(weights, count, 'joint_weights', 1.0),
        mirrors_known=mirrors_known,
    )


def _as_list(value: Any) -> list | None:
    """Return lists, tuples and arrays as a list; None for what is no sequence."""
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, '__iter__'):
        return None
    return list(value)


def _entries(value: Any, field: str) -> list:
    """Return a list, or the values of a dict whose keys are 0, 1, …, in order."""
    if not isinstance(value, Mapping):
        found = _as_list(value)
        if found is None:
            raise ValueError(f'{field} must be a dict or a list')
        return found
    try:
        by_id = {int(key): entry for key, entry in value.items()}
    except (TypeError, ValueError):
        raise ValueError(f'the keys of {field} must be numbers from 0') from None
    if sorted(by_id) != list(range(len(value))):
        raise ValueError(
            f'the keys of {field} must be the numbers from 0 to {len(value) - 1}'
        )
    return [by_id[k] for k in range(len(value))]


def _names(values: Sequence[Any], what: str) -> tuple[str, ...]:
    if not values:
        raise ValueError(f'there is no {what}')
    seen: dict[str, int] = {}
    for k, value in enumerate(values):
        if not isinstance(value, str) or not value:
            raise ValueError(f'the name of {what} {k} is {value!r}')
        if value in seen:
            raise ValueError(f'{what} {seen[value]} and {k} have one name, {value!r}')
        seen[value] = k
    return tuple(seen)


def _ids(values: Sequence[Any], count: int, what: str) -> list[int]:
    ids = []
    for value in values:
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise ValueError(f'{what} is {value!r}, expected an id') from None
        if not 0 <= number < count:
            raise ValueError(f'{what} is {number}, there are {count} of them')
        ids.append(number)
    return ids


def _pairs(
    pairs: Sequence[Any], classes: tuple[str, ...]
) -> tuple[tuple[int, int], ...]:
    """Read pairs of names or ids; each class may be in one pair."""
    ids = {name: c for c, name in enumerate(classes)}
    found: list[tuple[int, int]] = []
    used: set[int] = set()
    for pair in pairs:
        ends = _as_list(pair) or []
        for end in ends:
            if isinstance(end, str) and end not in ids:
                raise ValueError(f'mirror_pairs name {end!r}, which is no class')
        numbers = _ids([ids.get(e, e) for e in ends], len(classes), 'a mirror pair')
        if len(numbers) != 2 or numbers[0] == numbers[1] or used & set(numbers):
            raise ValueError(
                f'the mirror pair {pair!r} must be two classes, each in one pair only'
            )
        used |= set(numbers)
        found.append((numbers[0], numbers[1]))
    return tuple(found)


def _color(value: Any, what: str) -> RGB:
    channels = _as_list(value) or []
    try:
        red, green, blue = (int(channel) for channel in channels)
    except (TypeError, ValueError):
        raise ValueError(f'the colour of {what} is {value!r}, expected RGB') from None
    if not all(0 <= channel <= 255 for channel in (red, green, blue)):
        raise ValueError(f'the colour of {what} is {value!r}, expected 0 to 255')
    return red, green, blue


def _colors(values: Sequence[Any], count: int, what: str) -> tuple[RGB, ...]:
    if len(values) != count:
        raise ValueError(f'there are {len(values)} colours for {count} of {what}')
    return tuple(_color(value, f'{what}[{k}]') for k, value in enumerate(values))


def _class_colors(classes: Sequence[str]) -> tuple[RGB, ...]:
    """Generate colours; the first class is black, as it is the background."""
    return ((0, 0, 0), *distinct_colors(len(classes) - 1))


def _numbers(
    values: Any, count: int, what: str, default: float, above: bool = False
) -> tuple[float, ...]:
    """Read one number a keypoint; none at all gives the default."""
    found = _as_list(values)
    if not found:
        return (default,) * count
    if len(found) != count:
        raise ValueError(f'{what} has {len(found)} numbers for {count} keypoints')
    try:
        numbers = tuple(round(float(value), _DIGITS) for value in found)
    except (TypeError, ValueError):
        raise ValueError(f'{what} must be numbers') from None
    for k, number in enumerate(numbers):
        if not (number > 0 if above else number >= 0) or number == float('inf'):
            raise ValueError(f'{what} of keypoint {k} is {number}')
    return numbers
