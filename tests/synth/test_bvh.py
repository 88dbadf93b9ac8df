"""BVH files: the parser against numbers by hand, the retargeting against directions."""

from __future__ import annotations

import numpy as np
import pytest

from sapiens_mm.synth.body.body import BodyShape, pose_body, shape_body
from sapiens_mm.synth.core.asset import load_asset
from sapiens_mm.synth.core.rig import about, forward
from sapiens_mm.synth.posing.bvh import TO_OURS, read_bvh, retarget
from sapiens_mm.synth.posing.limbs import Poser
from sapiens_mm.synth.posing.limits import violations
from sapiens_mm.synth.posing.poses import sample_pose
from sapiens_mm.synth.scene_settings import SceneSettings

# name, parent, offset in centimetres: a T-pose, y up, facing +z
SKELETON = (
    ('Hips', None, (0, 100, 0)),
    ('Spine', 'Hips', (0, 12, 0)),
    ('Spine1', 'Spine', (0, 15, 0)),
    ('Neck', 'Spine1', (0, 25, 0)),
    ('Head', 'Neck', (0, 10, 0)),
    ('LeftShoulder', 'Spine1', (4, 20, 0)),
    ('LeftArm', 'LeftShoulder', (14, 0, 0)),
    ('LeftForeArm', 'LeftArm', (28, 0, 0)),
    ('LeftHand', 'LeftForeArm', (25, 0, 0)),
    ('RightShoulder', 'Spine1', (-4, 20, 0)),
    ('RightArm', 'RightShoulder', (-14, 0, 0)),
    ('RightForeArm', 'RightArm', (-28, 0, 0)),
    ('RightHand', 'RightForeArm', (-25, 0, 0)),
    ('LeftUpLeg', 'Hips', (10, -5, 0)),
    ('LeftLeg', 'LeftUpLeg', (0, -42, 0)),
    ('LeftFoot', 'LeftLeg', (0, -42, 0)),
    ('LeftToeBase', 'LeftFoot', (0, -6, 14)),
    ('RightUpLeg', 'Hips', (-10, -5, 0)),
    ('RightLeg', 'RightUpLeg', (0, -42, 0)),
    ('RightFoot', 'RightLeg', (0, -42, 0)),
    ('RightToeBase', 'RightFoot', (0, -6, 14)),
)


def write_bvh(path, frames: list[dict[str, tuple]], prefix: str = '') -> None:
    """Write frames of Euler angles (Z, X, Y degrees) by joint name."""
    lines = ['HIERARCHY']

    def joint(name: str, depth: int) -> None:
        pad = '  ' * depth
        offset = next(o for n, _, o in SKELETON if n == name)
        lines.append(f'{pad}{"JOINT" if depth else "ROOT"} {prefix}{name}')
        lines.append(f'{pad}{{\n{pad}  OFFSET {offset[0]} {offset[1]} {offset[2]}')
        place = 'Xposition Yposition Zposition ' if not depth else ''
        count = 3 if depth else 6
        lines.append(f'{pad}  CHANNELS {count} {place}Zrotation Xrotation Yrotation')
        children = [n for n, p, _ in SKELETON if p == name]
        for child in children:
            joint(child, depth + 1)
        if not children:
            lines.append(
                f'{pad}  End Site\n{pad}  {{\n{pad}    OFFSET 0 1 2\n{pad}  }}'
            )
        lines.append(f'{pad}}}')

    joint('Hips', 0)
    lines += ['MOTION', f'Frames: {len(frames)}', 'Frame Time: 0.04']
    order = [w.split()[1] for w in lines if w.strip().startswith(('ROOT', 'JOINT'))]
    for frame in frames:
        row = [1.0, 90.0, 3.0]
        for name in order:
            row += frame.get(name.removeprefix(prefix), (0, 0, 0))
        lines.append(' '.join(map(str, row)))
    path.write_text('\n'.join(lines))


@pytest.fixture(scope='module')
def rest():
    return shape_body(load_asset(), BodyShape())


def direction(rest, pose, bone: str, end: str) -> np.ndarray:
    """Return the posed direction (3,) between two bone heads, world."""
    asset = rest.asset
    bones = forward(asset.bone_names, asset.bone_parents, rest.heads, pose)
    a, b = (asset.bone_index[n] for n in (bone, end))
    head = [bones[i, :3, :3] @ rest.heads[i] + bones[i, :3, 3] for i in (a, b)]
    way = head[1] - head[0]
    return way / np.linalg.norm(way)


def test_reads_hierarchy_and_frames(tmp_path) -> None:
    path = tmp_path / 'a.bvh'
    write_bvh(path, [{}, {'LeftForeArm': (0, 0, -90)}])
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())  # as Windows has it
    motion = read_bvh(path)
    assert len(motion.names) == 21 and motion.frames.shape == (2, 66)
    assert motion.seconds == 0.04
    assert motion.ends['Head'].tolist() == [0, 1, 2]
    elbow = motion.names.index('LeftForeArm')
    assert motion.names[motion.parents[elbow]] == 'LeftArm'
    turns, places = motion.rotations(1)
    # channels replace the root's offset; the elbow is 4 + 14 + 28 to the left
    assert places[elbow] == pytest.approx([1 + 46, 90 + 12 + 15 + 20, 3])
    # -90 degrees about y turn x to +z
    hand = motion.names.index('LeftHand')
    assert places[hand] - places[elbow] == pytest.approx([0, 0, 25], abs=1e-9)
    assert turns[elbow] == pytest.approx(about([0, 1, 0], -np.pi / 2))


@pytest.mark.parametrize('prefix', ['', 'mixamorig:'])
def test_limbs_point_where_the_file_says(tmp_path, rest, prefix) -> None:
    frame = {
        'Hips': (0, 0, 30),
        'LeftArm': (-40, 0, 0),
        'LeftForeArm': (0, 0, -70),
        'RightArm': (70, 0, 0),
        'LeftUpLeg': (0, -50, 0),
        'LeftLeg': (0, 60, 0),
        'Neck': (0, 20, 0),
    }
    path = tmp_path / 'b.bvh'
    write_bvh(path, [frame], prefix)
    motion = read_bvh(path)
    pose = retarget(motion, 0, rest)
    _, places = motion.rotations(0)
    at = {
        name.removeprefix(prefix): TO_OURS @ p
        for name, p in zip(motion.names, places, strict=False)
    }
    for side, word in (('L', 'Left'), ('R', 'Right')):
        for bone, end, first, second in (
            ('upperarm01', 'lowerarm01', 'Arm', 'ForeArm'),
            ('lowerarm01', 'wrist', 'ForeArm', 'Hand'),
            ('upperleg01', 'lowerleg01', 'UpLeg', 'Leg'),
            ('lowerleg01', 'foot', 'Leg', 'Foot'),
        ):
            wanted = at[word + second] - at[word + first]
            wanted = wanted / np.linalg.norm(wanted)
            got = direction(rest, pose, f'{bone}.{side}', f'{end}.{side}')
            # helper bones lie a few millimetres beside the limb that they twist
            assert got == pytest.approx(wanted, abs=5e-3), (bone, side)
    # the hips' turn about y is ours about z; the face looks where the file's does
    assert pose.root_rotation == pytest.approx(
        about([0, 0, 1], np.deg2rad(30)), abs=1e-6
    )


def test_impossible_angles_are_clamped(tmp_path, rest) -> None:
    path = tmp_path / 'c.bvh'
    write_bvh(path, [{'LeftArm': (0, 0, 120), 'RightLeg': (0, 175, 0)}])
    pose = retarget(read_bvh(path), 0, rest)
    asset = rest.asset
    poser = Poser(asset.bone_names, asset.bone_parents, rest.heads)
    poser.pose = pose
    assert not violations(poser)


@pytest.mark.parametrize(
    'change, message',
    [
        (('HIERARCHY', 'HIERARCHIE'), "line 1 has 'HIERARCHIE' instead of HIERARCHY"),
        (('Zrotation', 'Wrotation'), "has the channel 'Wrotation'"),
        (('OFFSET 0 12 0', 'OFFSET 0 x 0'), "has 'x' instead of a number"),
        (('Frames: 1', 'Frames: 2'), 'ends in the middle'),
    ],
)
def test_broken_files_are_refused(tmp_path, change, message) -> None:
    path = tmp_path / 'd.bvh'
    write_bvh(path, [{}])
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(ValueError, match=message) as caught:
        read_bvh(path)
    assert 'd.bvh' in str(caught.value)


def test_missing_joints_are_named(tmp_path, rest) -> None:
    path = tmp_path / 'e.bvh'
    write_bvh(path, [{}])
    path.write_text(path.read_text().replace('LeftForeArm', 'LeftTentacle'))
    with pytest.raises(ValueError, match='no left forearm'):
        retarget(read_bvh(path), 0, rest)
    with pytest.raises(ValueError, match='no frame 1; the motion has 1'):
        retarget(read_bvh(path), 1, rest)


def test_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match='nowhere.bvh'):
        read_bvh(tmp_path / 'nowhere.bvh')


def test_people_take_frames_of_a_folder(tmp_path, rest) -> None:
    frame = {'Hips': (0, 0, 140), 'LeftArm': (-60, 0, 0), 'RightArm': (60, 0, 0)}
    write_bvh(tmp_path / 'f.bvh', [frame])
    settings = SceneSettings(motions=str(tmp_path), motion=1.0)
    pose = sample_pose(rest, np.random.default_rng(0), settings)
    assert pose.kind == 'bvh'
    # the heading is taken out, the rest stays
    assert pose.root_rotation @ [0, -1, 0] == pytest.approx([0, -1, 0], abs=1e-6)
    skin = pose_body(rest, pose).vertices[np.unique(rest.asset.faces['body'])]
    assert skin[:, 2].min() == pytest.approx(0, abs=1e-4)
    pose = sample_pose(
        rest, np.random.default_rng(0), SceneSettings(motions=str(tmp_path), motion=0)
    )
    assert pose.kind != 'bvh'
    with pytest.raises(ValueError, match='setting motions is .*no .bvh file is there'):
        sample_pose(
            rest,
            np.random.default_rng(0),
            SceneSettings(motions=str(tmp_path.parent), motion=1),
        )
