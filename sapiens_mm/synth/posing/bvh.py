"""Motion capture: BVH files, and their poses on our skeleton.

Only directions are taken over: each of our bones is pointed where the file's bone
points, so that any body and any proportions do. Frame of the files: y up, facing +z,
which is what CMU's, Mixamo's and Xsens' exports use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sapiens_mm.synth.body.body import Rest
from sapiens_mm.synth.core.rig import Pose, about, swing
from sapiens_mm.synth.posing.limbs import Poser
from sapiens_mm.synth.posing.limits import clamp

TO_OURS = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
"""Turns the files' axes (x left, y up, z ahead) into ours (x left, -y ahead, z up)."""

# our bone, where it points to, and the names (lower case, without prefixes) that
# files give to the joint at its head and to the one it points to
_LIMBS = (
    (
        'upperleg01',
        'lowerleg01',
        ('upleg', 'thigh', 'upperleg', 'hip'),
        ('leg', 'shin', 'calf', 'lowerleg', 'knee'),
    ),
    (
        'lowerleg01',
        'foot',
        ('leg', 'shin', 'calf', 'lowerleg', 'knee'),
        ('foot', 'ankle'),
    ),
    ('foot', 'toe2-1', ('foot', 'ankle'), ('toebase', 'toe', 'toes')),
    (
        'clavicle',
        'upperarm01',
        ('shoulder', 'clavicle', 'collar'),
        ('arm', 'upperarm', 'uparm'),
    ),
    (
        'upperarm01',
        'lowerarm01',
        ('arm', 'upperarm', 'uparm'),
        ('forearm', 'lowerarm', 'elbow'),
    ),
    ('lowerarm01', 'wrist', ('forearm', 'lowerarm', 'elbow'), ('hand', 'wrist')),
)
_HIPS = ('hips', 'hip', 'pelvis', 'root')
_CHEST = ('spine3', 'spine2', 'spine1', 'chest', 'upperchest', 'spine', 'abdomen')
_HEAD = ('head',)
_SPINE = ('spine05', 'spine04', 'spine03', 'spine02', 'spine01')
_NECK = ('neck01', 'neck02', 'neck03', 'head')


@dataclass(frozen=True)
class Motion:
    """A BVH file.

    Attributes:
        names: J joint names; end sites are left out.
        parents: (J,) indices, -1 for the root.
        offsets: (J, 3) from the parent, in the file's unit.
        ends: (3,) offset of the end site by name, for joints that have one.
        channels: Channel names by joint, in order.
        frames: (T, C) values, degrees for rotations.
        seconds: Between frames.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    ends: dict[str, np.ndarray]
    channels: tuple[tuple[str, ...], ...]
    frames: np.ndarray
    seconds: float

    def rotations(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the world rotations (J, 3, 3) and positions (J, 3) of a frame."""
        turns = np.zeros((len(self.names), 3, 3))
        places = np.zeros((len(self.names), 3))
        row, at = self.frames[frame], 0
        for j, parent in enumerate(self.parents):
            local, shift = np.eye(3), self.offsets[j].copy()
            for channel in self.channels[j]:
                axis = 'XYZ'.index(channel[0].upper())
                if channel.lower().endswith('rotation'):
                    local = local @ about(np.eye(3)[axis], np.deg2rad(row[at]))
                elif parent < 0:
                    # other joints keep their lengths, whatever channels they have
                    shift[axis] = row[at]
                at += 1
            if parent < 0:
                turns[j], places[j] = local, shift
            else:
                turns[j] = turns[parent] @ local
                places[j] = places[parent] + turns[parent] @ shift
        return turns, places


def read_bvh(path: str | Path) -> Motion:
    """Read a BVH file.

    Args:
        path: The file.

    Returns:
        Its skeleton and frames.

    Raises:
        ValueError: If the file cannot be read or is no BVH; names the file and line.
    """
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f'cannot read the motion {path}: {error}') from None
    words = _words(text)
    try:
        return _parse(words)
    except (StopIteration, IndexError):
        raise ValueError(f'{path} ends in the middle of a BVH motion') from None
    except _Unexpected as error:
        raise ValueError(f'{path} is no BVH motion: {error}') from None


class _Unexpected(Exception):
    """A word that a BVH file cannot have there."""


def _words(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        for word in line.split():
            yield number, word


def _expect(words: Iterator[tuple[int, str]], *wanted: str) -> str:
    line, word = next(words)
    if word.upper() not in wanted:
        raise _Unexpected(f'line {line} has {word!r} instead of {" or ".join(wanted)}')
    return word.upper()


def _number(words: Iterator[tuple[int, str]]) -> float:
    line, word = next(words)
    try:
        value = float(word)
    except ValueError:
        raise _Unexpected(f'line {line} has {word!r} instead of a number') from None
    if not np.isfinite(value):
        raise _Unexpected(f'line {line} has {word!r}, which is not finite')
    return value


def _parse(words: Iterator[tuple[int, str]]) -> Motion:
    _expect(words, 'HIERARCHY')
    _expect(words, 'ROOT')
    names, parents, offsets, channels = [], [], [], []
    ends: dict[str, np.ndarray] = {}
    stack: list[int] = []
    opened = True
    while opened or stack:
        if opened:
            names.append(next(words)[1])
            parents.append(stack[-1] if stack else -1)
            stack.append(len(names) - 1)
            _expect(words, '{')
            _expect(words, 'OFFSET')
            offsets.append([_number(words) for _ in range(3)])
            _expect(words, 'CHANNELS')
            count = int(_number(words))
            channels.append(tuple(_channel(words) for _ in range(count)))
            opened = False
        word = _expect(words, 'JOINT', 'END', '}')
        if word == 'JOINT':
            opened = True
        elif word == 'END':
            _expect(words, 'SITE')
            _expect(words, '{')
            _expect(words, 'OFFSET')
            ends[names[stack[-1]]] = np.array([_number(words) for _ in range(3)])
            _expect(words, '}')
        else:
            stack.pop()
    _expect(words, 'MOTION')
    _expect(words, 'FRAMES:')
    count = int(_number(words))
    _expect(words, 'FRAME')
    _expect(words, 'TIME:')
    seconds = _number(words)
    width = sum(map(len, channels))
    frames = np.array([_number(words) for _ in range(count * width)])
    return Motion(
        tuple(names),
        tuple(parents),
        np.array(offsets),
        ends,
        tuple(channels),
        frames.reshape(count, width),
        seconds,
    )


def _channel(words: Iterator[tuple[int, str]]) -> str:
    line, word = next(words)
    if word.lower()[1:] not in ('rotation', 'position') or word[0].upper() not in 'XYZ':
        raise _Unexpected(f'line {line} has the channel {word!r}')
    return word


def _plain(name: str) -> tuple[str, str]:
    """Return side ('L', 'R' or '') and the bare name of a joint, lower case."""
    # prefixes of Mixamo and of 3ds Max's biped
    bare = name.rsplit(':', 1)[-1].lower().replace('_', '').replace('-', '')
    bare = bare.replace('.', '').removeprefix('mixamorig').removeprefix('bip01')
    for word, side in (('left', 'L'), ('right', 'R')):
        if word in bare:
            return side, bare.replace(word, '')
    for letter, side in (('l', 'L'), ('r', 'R')):
        rest = bare[1:]
        # a letter is a side only if the rest is a name: 'leg' begins with an l
        if bare.startswith(letter) and any(rest in a + b for *_, a, b in _LIMBS):
            return side, rest
        if bare.endswith(letter) and any(bare[:-1] in a + b for *_, a, b in _LIMBS):
            return side, bare[:-1]
    return '', bare


def retarget(motion: Motion, frame: int, rest: Rest) -> Pose:
    """Bring a frame of a motion to a body, within the joints' limits.

    Args:
        motion: From ``read_bvh``; its rest pose may be a T-pose, an A-pose or any.
        frame: Which frame, from 0.
        rest: The body.

    Returns:
        The pose, with the file's heading; drop it to the ground with
        ``poses.grounded``. Fingers stay at rest.

    Raises:
        ValueError: If there is no such frame, or a leg, arm, hip or head is missing.
    """
    if not 0 <= frame < len(motion.frames):
        raise ValueError(f'no frame {frame}; the motion has {len(motion.frames)}')
    # the first of two joints of one name wins
    joints = {_plain(name): j for j, name in reversed([*enumerate(motion.names)])}
    turns, places = motion.rotations(frame)
    points = places @ TO_OURS.T
    asset = rest.asset
    poser = Poser(asset.bone_names, asset.bone_parents, rest.heads, 'bvh')
    still = _rest_places(motion) @ TO_OURS.T
    hip_turn = _body_turn(joints, still, points, 'upleg')
    poser.pose.root_rotation = hip_turn
    chest = _body_turn(joints, still, points, 'arm')
    # the spine first: neck and arms hang from it
    _share(poser, _SPINE, hip_turn.T @ chest)
    head = joints.get(('', 'head'))
    if head is None:
        raise ValueError(f'the motion has no head among {motion.names}')
    turn = TO_OURS @ turns[head] @ TO_OURS.T
    _share(poser, _NECK, poser.world('spine01').T @ turn)
    for bone, end, from_names, to_names in _LIMBS:
        for side in 'LR':
            a = _find(joints, side, from_names, bone in ('clavicle', 'foot'))
            b = _find(joints, side, to_names, bone in ('clavicle', 'foot'))
            if a is None or b is None:
                # files without toes or collar bones leave ours at rest
                continue
            _point(
                poser,
                side,
                bone,
                end,
                points[b] - points[a],
                TO_OURS @ turns[a] @ TO_OURS.T,
                still[b] - still[a],
            )
    clamp(poser)
    return poser.pose


def _find(
    joints: dict, side: str, names: tuple[str, ...], optional: bool = False
) -> int | None:
    for name in names:
        if (side, name) in joints:
            return joints[side, name]
    if optional:
        return None
    which = {'L': 'left ', 'R': 'right ', '': ''}[side]
    raise ValueError(
        f'the motion has no {which}{names[0]}: no joint is called like one of {names}'
    )


def _rest_places(motion: Motion) -> np.ndarray:
    places = np.zeros((len(motion.names), 3))
    for j, parent in enumerate(motion.parents):
        if parent >= 0:
            places[j] = places[parent] + motion.offsets[j]
    return places


def _body_turn(
    joints: dict, still: np.ndarray, points: np.ndarray, what: str
) -> np.ndarray:
    """Return how hips ('upleg') or shoulders ('arm') turned, (3, 3), in our axes."""
    names = next(row[2] for row in _LIMBS if what in row[2])
    left, right = (_find(joints, side, names) for side in 'LR')
    hips = _find(joints, '', _HIPS)
    top = next((joints['', n] for n in _CHEST if ('', n) in joints), None)
    if top is None:
        raise ValueError(f'the motion has no spine: no joint is called {_CHEST}')

    def axes(at: np.ndarray) -> np.ndarray:
        across = at[left] - at[right]
        middle = (at[left] + at[right]) / 2
        up = at[top] - at[hips] if what == 'upleg' else middle - at[hips]
        across = across / np.linalg.norm(across)
        ahead = np.cross(up, across)
        ahead = ahead / np.linalg.norm(ahead)
        return np.stack([across, ahead, np.cross(across, ahead)], 1)

    return axes(points) @ axes(still).T


def _share(poser: Poser, bones: tuple[str, ...], turn: np.ndarray) -> None:
    """Spread a rotation evenly over a chain of bones."""
    cosine = np.clip((np.trace(turn) - 1) / 2, -1, 1)
    axis = np.array(
        [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
    )
    if np.linalg.norm(axis) < 1e-9:
        return
    for bone in bones:
        poser.pose.rotations[bone] = about(axis, np.arccos(cosine) / len(bones))


def _point(
    poser: Poser,
    side: str,
    bone: str,
    end: str,
    way: np.ndarray,
    turn: np.ndarray,
    still: np.ndarray,
) -> None:
    """Point a bone along ``way``, twisted as the file's bone is.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        bone: Ours, without its side.
        end: The bone that it points to.
        way: (3,) direction of the file's bone.
        turn: (3, 3) world rotation of the file's joint, in our axes.
        still: (3,) direction of the file's bone in its rest pose.
    """
    name = f'{bone}.{side}'
    ours = poser.rest(name, f'{end}.{side}')
    # at rest the file's bone may point elsewhere, as of an A-pose against a T-pose
    world = turn @ swing(ours, still)
    world = swing(world @ ours, way) @ world
    helper = f'{bone[:-2]}02.{side}'
    if bone in ('upperarm01', 'upperleg01'):
        poser.set_twisted(name, helper, f'{end}.{side}', world)
    else:
        poser.set_world(name, world)
