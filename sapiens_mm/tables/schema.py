"""What a keypoint table and a part table hold, and the text forms they are written in.

Colours in every table are RGB, 0-255; drawing turns them round for OpenCV.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class KeypointTable:
    """One keypoint vocabulary: names, mirror images, skeleton and colours.

    ``K`` is the number of keypoints, ``S`` the number of skeleton links.

    Attributes:
        name: Dataset name, as the hosts spell it (``coco``, for example).
        names: K names, in the order of the model's output channels.
        flip_indices: K ids; entry k is the keypoint that k becomes in a mirror.
        links: S pairs of keypoint ids.
        link_colors: S colours, RGB.
        keypoint_colors: K colours, RGB.
        sigmas: K per-keypoint constants of the object keypoint similarity.
        groups: Ids of each body region, in the order evaluation files list them.
        types: K strings, ``upper``, ``lower`` or empty: the half-body classes.
        joint_weights: K loss weights.
        mirrors_known: Whether ``flip_indices`` says something; if not, each keypoint
            is its own mirror image there, and a flip test would be wrong.
    """

    name: str
    names: tuple[str, ...]
    flip_indices: tuple[int, ...]
    links: tuple[tuple[int, int], ...]
    link_colors: tuple[RGB, ...]
    keypoint_colors: tuple[RGB, ...]
    sigmas: tuple[float, ...]
    # a dict has no hash, and a frozen table needs one
    groups: Mapping[str, tuple[int, ...]] = field(hash=False)
    types: tuple[str, ...] = ()
    joint_weights: tuple[float, ...] = ()
    mirrors_known: bool = True

    @property
    def num_keypoints(self) -> int:
        """K, the number of keypoints."""
        return len(self.names)

    @property
    def flip_pairs(self) -> tuple[tuple[int, int], ...]:
        """Ids of each left/right pair once, the smaller id first."""
        return tuple((k, m) for k, m in enumerate(self.flip_indices) if k < m)

    def metainfo(self, paper_info: Mapping[str, str] | None = None) -> dict:
        """Return the table in the form that mmpose datasets take as ``METAINFO``.

        Args:
            paper_info: Who published the vocabulary and where.

        Returns:
            A fresh dict that ``mmpose`` parses with ``parse_pose_metainfo``.
        """
        keypoints = {
            k: dict(
                name=name,
                id=k,
                color=list(self.keypoint_colors[k]),
                type=self.types[k],
                swap='' if mirror == k else self.names[mirror],
            )
            for k, (name, mirror) in enumerate(
                zip(self.names, self.flip_indices, strict=True)
            )
        }
        skeleton = {
            s: dict(link=(self.names[a], self.names[b]), id=s, color=list(color))
            for s, ((a, b), color) in enumerate(
                zip(self.links, self.link_colors, strict=True)
            )
        }
        return dict(
            dataset_name=self.name,
            paper_info=dict(paper_info or {}),
            keypoint_info=keypoints,
            skeleton_info=skeleton,
            joint_weights=list(self.joint_weights),
            sigmas=list(self.sigmas),
        )


@dataclass(frozen=True)
class PartTable:
    """One set of segmentation classes. ``N`` is their number.

    Attributes:
        name: Name of the set, such as ``goliath28``.
        classes: N names; class 0 is the background.
        palette: N colours, RGB.
        class_weights: N weights of the training loss, or None for an unweighted loss.
        swap_pairs: Pairs of class ids that trade places in a mirror.
        mirrors_known: Whether ``swap_pairs`` says something; if not, it is empty, and
            a flip test may be wrong.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[RGB, ...]
    class_weights: tuple[float, ...] | None
    swap_pairs: tuple[tuple[int, int], ...]
    mirrors_known: bool = True

    @property
    def num_classes(self) -> int:
        """N, the number of classes with the background."""
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """N names, as ``classes``."""
        return self.classes

    @property
    def flip_indices(self) -> tuple[int, ...]:
        """N ids; entry c is the class that c becomes in a mirror."""
        swap = {a: b for pair in self.swap_pairs for a, b in (pair, pair[::-1])}
        return tuple(swap.get(c, c) for c in range(self.num_classes))

    def metainfo(self) -> dict:
        """Return classes and palette in the form that mmseg datasets take."""
        return dict(classes=self.classes, palette=[list(c) for c in self.palette])


def parse_names(text: str) -> tuple[str, ...]:
    """Read names between white space; lines that start with ``#`` are skipped."""
    lines = (line for line in text.splitlines() if not line.startswith('#'))
    return tuple(' '.join(lines).split())


def parse_ids(text: str) -> tuple[int, ...]:
    """Read ids and inclusive ranges: ``'0-2 9 7-6'`` is 0, 1, 2, 9, 7, 6."""
    ids: list[int] = []
    for token in text.split():
        first, _, last = token.partition('-')
        start, stop = int(first), int(last or first)
        step = 1 if stop >= start else -1
        ids.extend(range(start, stop + step, step))
    return tuple(ids)


def parse_mirror(text: str, num_keypoints: int) -> tuple[int, ...]:
    """Read mirror pairs, ``'1:2 5-6:8-7'``; an id not named is its own mirror."""
    flip = list(range(num_keypoints))
    for token in text.split():
        left, right = (parse_ids(side) for side in token.split(':'))
        for a, b in zip(left, right, strict=True):
            flip[a], flip[b] = b, a
    return tuple(flip)


def parse_colors(text: str, num_keypoints: int) -> tuple[RGB, ...]:
    """Read one ``r,g,b ids`` a line into a colour for each keypoint."""
    colors: list[RGB | None] = [None] * num_keypoints
    for line in text.strip().splitlines():
        color, ids = line.split(maxsplit=1)
        for k in parse_ids(ids):
            colors[k] = parse_color(color)
    assert None not in colors, f'no colour for keypoint {colors.index(None)}'
    return tuple(colors)


def parse_chains(
    text: str,
) -> tuple[tuple[tuple[int, int], ...], tuple[RGB, ...]]:
    """Read ``r,g,b 13-11-9 …``, chains of linked ids, into links and their colours."""
    links: list[tuple[int, int]] = []
    colors: list[RGB] = []
    for line in text.strip().splitlines():
        color, *chains = line.split()
        for chain in chains:
            ids = [int(k) for k in chain.split('-')]
            links.extend(zip(ids[:-1], ids[1:], strict=True))
            colors.extend([parse_color(color)] * (len(ids) - 1))
    return tuple(links), tuple(colors)


def parse_color(text: str) -> RGB:
    """Read ``'51,153,255'``."""
    red, green, blue = (int(value) for value in text.split(','))
    return red, green, blue


def build_keypoint_table(
    name: str,
    *,
    names: str,
    mirror: str,
    links: str,
    colors: str,
    sigmas: str,
    groups: Mapping[str, str],
    upper: str,
    lower: str,
    joint_weights: Mapping[float, str] | None = None,
) -> KeypointTable:
    """Build a table from the text forms above.

    Args:
        name: Dataset name.
        names: K names for ``parse_names``.
        mirror: Pairs for ``parse_mirror``.
        links: Chains for ``parse_chains``.
        colors: Runs for ``parse_colors``.
        sigmas: K numbers, or fewer: the last one then holds for the rest.
        groups: Ids of each region, for ``parse_ids``.
        upper: Ids of the upper half of the body.
        lower: Ids of the lower half of the body.
        joint_weights: Ids of every loss weight other than 1.

    Returns:
        The table.
    """
    all_names = parse_names(names)
    num = len(all_names)
    link_ids, link_colors = parse_chains(links)
    values = [float(value) for value in sigmas.split()]
    half = dict.fromkeys(parse_ids(upper), 'upper')
    half.update(dict.fromkeys(parse_ids(lower), 'lower'))
    weights = {
        k: weight
        for weight, ids in (joint_weights or {}).items()
        for k in parse_ids(ids)
    }
    return KeypointTable(
        name=name,
        names=all_names,
        flip_indices=parse_mirror(mirror, num),
        links=link_ids,
        link_colors=link_colors,
        keypoint_colors=parse_colors(colors, num),
        sigmas=tuple(values + values[-1:] * (num - len(values))),
        groups={group: parse_ids(ids) for group, ids in groups.items()},
        types=tuple(half.get(k, '') for k in range(num)),
        joint_weights=tuple(weights.get(k, 1.0) for k in range(num)),
    )


def build_part_table(name: str, classes: str, swap: str) -> PartTable:
    """Build a table from one ``name r,g,b [weight]`` a line and mirror pairs."""
    rows = [line.split() for line in classes.strip().splitlines()]
    weights = tuple(float(row[2]) for row in rows if len(row) > 2)
    assert len(weights) in (0, len(rows)), f'{name}: weights for some classes only'
    pairs = zip(*(parse_ids(side) for side in swap.split(':')), strict=True)
    return PartTable(
        name=name,
        classes=tuple(row[0] for row in rows),
        palette=tuple(parse_color(row[1]) for row in rows),
        class_weights=weights or None,
        swap_pairs=tuple(pairs),
    )
