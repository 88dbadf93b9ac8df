"""Place the 308 keypoints on the template human, once.

    python tools/dev/place_keypoints.py

Writes sapiens_mm/synth/data/keypoints308.json from the tables below: for every keypoint
of the left side and the midline some vertices of the asset with weights. Points of the
skin are a triangle with barycentric weights, joints inside means; the right mirrors.

Where names leave a choice:

- midpoint_1 to _6 of lids, lips and brows halve a line again and again, running from
  the image's left to its right for a person who faces the camera: 3 1 4 centre 5 2 6;
  of brows, whose line has five places, 2 1 3. So do the midpoints of nose bridge (down
  from the root) and antihelix (down from the fork of its crura).
- The eyelid line is the lid's inner edge, at the eyeball; the lash line its outer edge.
- An iris is a clock face as the camera sees it: midpoint_1 lies at half past one.
- points 1 to 8 of the inner helix run from the front over the top and down the back.
- "22" and "15" of the ear are its 22nd and 15th name: lobe tip and inner helix 7.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sapiens_mm.synth.core.asset import (
    BROW,
    DATA,
    IRIS_RAD,
    PUPIL_RAD,
    Asset,
    load_asset,
)

Entry = dict[str, object]

# right, up of views of the template and the mm they count from
FRONT = ((1, 0, 0), (0, 0, 1), (0, 0, 0))
BACK = ((-1, 0, 0), (0, 0, 1), (0, 0, 0))
TOP = ((1, 0, 0), (0, 1, 0), (0, 0, 0))
_C, _S = np.cos(np.radians(80)), np.sin(np.radians(80))
EAR = ((_C, _S, 0), (0, 0, 1), (80, -45, 885))

# across and up in mm of points that a view hits first
SEEN = {
    'left_big_toe': (FRONT, 172.9, -802.3),
    'left_small_toe': (FRONT, 247.0, -804.0),
    'left_heel': (BACK, -201.0, -797.0),
    'left_acromion': (TOP, 163.0, -18.0),
    'center_of_glabella': (FRONT, 0, 925.5),
    'center_of_nose_root': (FRONT, 0, 904.2),
    'midpoint_2_of_nose_bridge': (FRONT, 0, 896.2),
    'midpoint_1_of_nose_bridge': (FRONT, 0, 888.1),
    'midpoint_3_of_nose_bridge': (FRONT, 0, 880.1),
    'tip_of_nose_bridge': (FRONT, 0, 872.0),
    'tip_of_nose': (FRONT, 0, 863.3),
    'bottom_center_of_nose': (FRONT, 0, 851.6),
    'center_of_labiomental_groove': (FRONT, 0, 811.6),
    'tip_of_chin': (FRONT, 0, 790.5),
    'l_outer_corner_of_nose': (FRONT, 18.8, 861.5),
    'l_outer_corner_of_mouth': (FRONT, 24.4, 829.9),
    'center_of_cupid_bow': (FRONT, 0, 841.1),
    'center_of_lower_outer_lip': (FRONT, 0, 817.5),
    'l_top_end_of_inferior_crus': (EAR, -9.3, 3.8),
    'l_midpoint_1_of_inferior_crus': (EAR, -3.8, 4.6),
    'l_top_end_of_superior_crus': (EAR, 1.0, 14.8),
    'l_highest_point_of_antitragus': (EAR, -9.0, -16.4),
    'l_bottom_point_of_tragus': (EAR, -14.3, -14.8),
    'l_protruding_point_of_tragus': (EAR, -12.5, -8.2),
    'l_top_point_of_tragus': (EAR, -14.8, -2.6),
    'l_start_point_of_crus_of_helix': (EAR, -7.5, -2.6),
    'l_deepest_point_of_concha': (EAR, -7.0, -9.2),
    'l_tip_of_ear_lobe': (EAR, -10.0, -31.4),
    'l_midpoint_between_22_15': (EAR, 0.9, -21.6),
    'l_bottom_connecting_point_of_ear_lobe': (EAR, -20.5, -27.5),
    'l_top_connecting_point_of_helix': (EAR, -14.2, 16.5),
}
ALIASES = {'nose': 'tip_of_nose', 'left_ear': 'l_protruding_point_of_tragus'}
NOSTRIL = {'inner': 7112, 'outer': 7107, 'upper': 7109}  # vertices of the rim

# lines seen in a view, the names along them, at equal steps
UPPER_LIP = ((0, 841.1), (5, 841.5), (8, 841.5), (12, 840.8), (16, 839), (20, 836.7))
LOWER_LIP = ((0, 817.5), (6, 818.4), (12, 819.3), (16, 820.6), (20, 822.8))
LIP_END = ((22, 834.9), (24.4, 829.9)), ((22, 825.0), (24.4, 829.9))
ANTIHELIX = ((4.2, 4.5), (6.2, 0), (6.4, -4), (4.6, -8.5), (1, -11.6), (-3.5, -13.7))
_ACROSS = (-14.2, -12.8, -9.5, -3.5, 2, 6, 8.3, 9.3, 9.4, 8, 4.8, 1.2)
_UP = (1, 8.5, 14.2, 17.6, 17.3, 14, 8, 2, -4, -9, -14.2, -18.2)
INNER_HELIX = tuple(zip(_ACROSS, _UP, strict=True))

# rings of vertices around the left eye, from the middle of the upper lid outwards
EYELID_RING = (13352, 13353, 13358, 13357, 13356, 13355, 13354, 13377, 13376, 13375)
EYELID_RING += (13379, 13366, 13374, 13373, 13372, 13370, 13368, 13367, 13378, 13362)
EYELID_RING += (13361, 13360, 13365, 13363, 13364, 13369, 13371, 13359)
LASH_RING = (11465, 11466, 11467, 11468, 11469, 11470, 11471, 11472, 11473, 11474)
LASH_RING += (11742, 11475, 11476, 11477, 11478, 11479, 11480, 11481, 11743, 11482)
LASH_RING += (11489, 11488, 11487, 11486, 11490, 11485, 11484, 11483)
CREASE_RING = (6874, 6873, 6875, 6876, 6866, 6867, 6868, 6869, 6870, 6871, 11698, 6872)
CREASE_RING += (6859, 6860, 6861, 6862, 6863, 6864, 11697, 6865, 6883, 6882, 6881, 6880)
CREASE_RING += (6887, 6879, 6878, 6877)
# line, ring, where it begins at the nose and ends (steps of the ring), end names
LIDS = (
    ('upper_lash_line', LASH_RING, 23.5, 34.5, ('inner', 'outer')),
    ('upper_eyelid_line', EYELID_RING, 22, 34.6, ('', 'outer')),
    ('upper_crease_line', CREASE_RING, 24, 33, ('', '')),
    ('lower_lash_line', LASH_RING, 19.6, 9.4, ('inner', 'outer')),
    ('lower_eyelid_line', EYELID_RING, 21, 8.6, ('', 'outer')),
)
EIGHTHS = ('midpoint_3', 'midpoint_1', 'midpoint_4', 'centerpoint')
EIGHTHS += ('midpoint_5', 'midpoint_2', 'midpoint_6')
MOUTH_RING = {  # the lips' inner edge from the midline to the corner
    'upper': (520, 7267, 7268, 7261, 7262, 11962, 7263, 7181, 7180, 7196, 10399, 7194),
    'lower': (523, 7264, 7265, 7266, 7206, 7205, 10376, 7195),
}
INNER_CORNER = 7194

FINGERS = ('thumb', 'forefinger', 'middle_finger', 'ring_finger', 'pinky_finger')
JOINTS = {  # centres: joints of the asset with weights
    'left_hip': (('l-upper-leg', 0.85), ('pelvis', 0.15)),
    'left_knee': (('l-knee', 1),),
    'left_ankle': (('l-ankle', 1),),
    'left_elbow': (('l-elbow', 1),),
    'left_wrist': (('l-hand', 1),),
    'neck': (('neck', 1),),
}
# how far in front of a keypoint a surface may be before it hides it, metres
REACH = {'hip': 0.13, 'knee': 0.085, 'ankle': 0.065, 'shoulder': 0.09, 'elbow': 0.06}
REACH |= {'wrist': 0.045, 'neck': 0.085, 'acromion': 0.03, 'olecranon': 0.03}
REACH |= {'cubital_fossa': 0.03, 'toe': 0.03, 'heel': 0.03, 'left_eye': 0.012}
REACH |= {
    'left_ear': 0.012,
    'tragus': 0.006,
    'iris': 0.001,
    'pupil': 0.001,
    'inner_lip': 0.008,
    'inner_corner_of_m': 0.008,
}
INSIDE = {*JOINTS, 'left_shoulder', 'left_eye'}
EDGES = ('inner_lip', 'corner_of_mouth', 'nostril', 'eyelid_line', 'lash_line')


class Placer:
    """Finds vertices and weights on the template."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset
        self.points = asset.template.astype(np.float64)

    def seen(
        self,
        view: tuple,
        across: float,
        up: float,
        on: str = 'body',
        start: float = -np.inf,
    ) -> Entry:
        """Return the first hit of a line of sight at (across, up) mm of a view.

        The line begins ``start`` metres behind the view's origin.
        """
        right, upward, origin = np.array(view, np.float64)
        faces = self.asset.faces[on]
        offset = self.points - origin / 1000
        plane = np.stack([offset @ right, offset @ upward], 1)[faces]
        deep = (offset @ np.cross(upward, right))[faces]
        first, second = plane[:, 1] - plane[:, 0], plane[:, 2] - plane[:, 0]
        to = np.array([across, up]) / 1000 - plane[:, 0]
        area = _cross(first, second)
        with np.errstate(divide='ignore', invalid='ignore'):
            b, c = _cross(to, second) / area, _cross(first, to) / area
            inside = (b >= -1e-9) & (c >= -1e-9) & (b + c <= 1 + 1e-9)
        weights = np.stack([1 - b - c, b, c], 1)
        if not inside.any():
            raise ValueError(f'nothing of {on} is seen at {across}, {up} mm')
        depth = (np.nan_to_num(weights) * deep).sum(1)
        depth = np.where(inside & (depth > start), depth, np.inf)
        k = int(depth.argmin())
        entry = self.blend(faces[k], np.clip(weights[k], 0, 1))
        return self.symmetric(entry) if across == 0 and on == 'body' else entry

    def blend(self, vertices: Sequence[int], weights: Sequence[float]) -> Entry:
        """Return an entry of the file; weights are brought to sum 1."""
        share: dict[int, float] = {}
        for v, w in zip(vertices, np.asarray(weights) / np.sum(weights), strict=True):
            share[int(v)] = share.get(int(v), 0.0) + float(w)
        share = {v: w for v, w in share.items() if w > 1e-6}
        return {'vertices': list(share), 'weights': list(share.values())}

    def symmetric(self, entry: Entry) -> Entry:
        """Return the entry averaged with its mirror image: a point at x = 0."""
        vertices = np.array(entry['vertices'])
        both = [*vertices, *self.asset.mirror[vertices]]
        return self.blend(both, [*entry['weights'], *entry['weights']])

    def mean(self, joints: Sequence[tuple[str, float]]) -> Entry:
        """Return the weighted mean of joints of the asset."""
        names, shares = zip(*joints, strict=True)
        rows = [self.asset.joint_names.index(name) for name in names]
        ids = self.asset.joint_vertices[rows].ravel()
        return self.blend(ids, np.repeat(np.array(shares, np.float64), 8))

    def at(self, entry: Entry) -> np.ndarray:
        """Return (3,) metres where an entry lies on the template."""
        return np.array(entry['weights']) @ self.points[entry['vertices']]

    def outward(self, centre: np.ndarray, direction: np.ndarray) -> Entry:
        """Return where a ray from inside the body leaves the skin."""
        right = np.cross([0, 0, 1.0], direction)
        right /= np.linalg.norm(right)
        up = np.cross(direction, right)
        view = (-right, up / np.linalg.norm(up), 1000 * centre)
        return self.seen(view, 1e-6, 1e-6, start=0.0)

    def along(self, chain: Sequence[int], share: float) -> Entry:
        """Return the point at a share of the length of a chain of vertices."""
        steps = np.linalg.norm(np.diff(self.points[list(chain)], axis=0), axis=1)
        return self.step(chain, _at_length(steps, share))

    def step(self, chain: Sequence[int], where: float) -> Entry:
        """Return the point at a fractional index of a chain."""
        k = min(int(where), len(chain) - 2)
        part = where - k
        return self.blend([chain[k], chain[k + 1]], [1 - part, part])


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _at_length(steps: np.ndarray, share: float) -> float:
    """Return the fractional index at a share of the whole length."""
    reached = np.concatenate([[0], np.cumsum(steps)])
    return float(np.interp(share * reached[-1], reached, np.arange(len(reached))))


def _on_line(line: Sequence[Sequence[float]], share: float) -> np.ndarray:
    """Return (2,) the point at a share of the length of a polyline."""
    points = np.array(line, np.float64)
    where = _at_length(np.linalg.norm(np.diff(points, axis=0), axis=1), share)
    return np.array([np.interp(where, np.arange(len(points)), c) for c in points.T])


def place_body(placer: Placer) -> dict[str, Entry]:
    """Return joints, hands, feet and the extra points of the body."""
    out = {name: placer.mean(joints) for name, joints in JOINTS.items()}
    for f, finger in enumerate(FINGERS, 1):
        for j, name in enumerate(('_third_joint', '2', '3', '4'), 1):
            # the asset's joint lies between knuckle and web
            wrist = 0.1 if j == 1 < f else 0.0
            spot = placer.mean([(f'l-finger-{f}-{j}', 1 - wrist), ('l-hand', wrist)])
            if j == 4:
                last = placer.at(out[f'left_{finger}3'])
                spot = placer.outward(last, placer.at(spot) - last)
            out[f'left_{finger}{name}'] = spot
    out['left_acromion'] = acromion = placer.seen(*SEEN['left_acromion'])
    shoulder = placer.mean([('l-shoulder', 1)])
    out['left_shoulder'] = placer.blend(
        [*shoulder['vertices'], *acromion['vertices']],
        [
            *np.multiply(shoulder['weights'], 0.65),
            *np.multiply(acromion['weights'], 0.35),
        ],
    )
    centres = [placer.at(out[f'left_{n}']) for n in ('shoulder', 'elbow', 'wrist')]
    upper, lower = np.diff(centres, axis=0)
    upper, lower = upper / np.linalg.norm(upper), lower / np.linalg.norm(lower)
    # the forearm folds towards the fossa; the olecranon caps the upper arm's end
    out['left_cubital_fossa'] = placer.outward(centres[1], lower - upper)
    out['left_olecranon'] = placer.outward(centres[1], 0.85 * upper - lower)
    return out


def place_eye(placer: Placer) -> dict[str, Entry]:
    """Return lids, iris, pupil and the COCO eye of the left side."""
    out = {'left_eye': placer.blend(EYELID_RING, np.ones(len(EYELID_RING)))}
    for line, ring, start, end, ends in LIDS:
        twice = ring + ring
        low, high = sorted((start, end))
        inner = range(int(np.ceil(low)), int(np.floor(high)) + 1)
        stops = np.unique([low, *inner, high])
        points = np.array([placer.at(placer.step(twice, s)) for s in stops])
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        names = (ends[0] and f'{ends[0]}_end', *EIGHTHS, ends[1] and f'{ends[1]}_end')
        for k, name in enumerate(names):
            share = k / 8 if start < end else 1 - k / 8
            where = np.interp(_at_length(steps, share), np.arange(len(stops)), stops)
            if name:
                out[f'l_{name}_of_{line}'] = placer.step(twice, float(where))
    eye = placer.asset.faces['eyes']
    ball = np.unique(eye[placer.points[eye[:, 0], 0] > 0])
    centre = placer.points[ball].mean(0)
    clock = ('3', 'midpoint_1', '12', 'midpoint_4', '9', 'midpoint_3', '6')
    for disc, angle in (('iris', IRIS_RAD), ('pupil', PUPIL_RAD)):
        out[f'l_center_of_{disc}'] = _on_eyeball(placer, centre, 0.0, 0.0)
        for k, name in enumerate((*clock, 'midpoint_2')):
            name = f'l_border_of_{disc}_{name}'
            out[name] = _on_eyeball(placer, centre, angle, k * np.pi / 4)
    return out


def _on_eyeball(placer: Placer, centre: np.ndarray, off: float, turn: float) -> Entry:
    """Return the eyeball's point ``off`` radians from the gaze, ``turn`` from +x."""
    side = np.sin(off) * np.array([np.cos(turn), 0, np.sin(turn)])
    outward = side - np.array([0, np.cos(off), 0])
    right = np.cross([0, 0, 1.0], outward)
    right /= np.linalg.norm(right)
    view = (right, np.cross(outward, right), 1000 * centre)
    return placer.seen(view, 1e-6, 1e-6, 'eyes')


def place_face(placer: Placer) -> dict[str, Entry]:
    """Return brows, nose, mouth and ear of the left side and the midline."""
    out = {name: placer.seen(*spot) for name, spot in SEEN.items()}
    for name, share in (('start', 0), ('2', 0.25), ('1', 0.5), ('3', 0.75), ('end', 1)):
        x, z = _on_line(BROW[:, :2], share)
        half = np.interp(x, BROW[:, 0], BROW[:, 2])
        for edge, up in (('upper', half), ('lower', -half)):
            spot = placer.seen(FRONT, 1000 * x, 1000 * (z + up))
            if name == 'start':
                out[f'{edge}_startpoint_of_l_eyebrow'] = spot
            elif name != 'end':
                out[f'{edge}_midpoint_{name}_of_l_eyebrow'] = spot
        if name == 'end':
            out['end_of_l_eyebrow'] = placer.seen(FRONT, 1000 * x, 1000 * z)
    for corner, vertex in NOSTRIL.items():
        out[f'{corner}_corner_of_l_nostril'] = placer.blend([vertex], [1])
    outer = {'upper': (*UPPER_LIP, *LIP_END[0]), 'lower': (*LOWER_LIP, *LIP_END[1])}
    for lip, line in outer.items():
        for k, share in ((5, 0.25), (2, 0.5), (6, 0.75)):
            name = f'midpoint_{k}_of_{lip}'
            out[f'{name}_outer_lip'] = placer.seen(FRONT, *_on_line(line, share))
            ring = MOUTH_RING[lip]
            out[f'{name}_inner_lip'] = placer.along(ring, share)
        out[f'center_of_{lip}_inner_lip'] = placer.blend(MOUTH_RING[lip][:1], [1])
    out['l_inner_corner_of_mouth'] = placer.blend([INNER_CORNER], [1])
    names = ('start', 'midpoint_2', 'midpoint_1', 'midpoint_3', 'end')
    for k, name in enumerate(names):
        spot = _on_line(ANTIHELIX, k / 4)
        out[f'l_{name}_of_antihelix'] = placer.seen(EAR, *spot)
    for k in range(8):
        spot = _on_line(INNER_HELIX, k / 7)
        out[f'l_point_{k + 1}_of_inner_helix'] = placer.seen(EAR, *spot)
    return out


def reach_of(name: str) -> float:
    """Return how deep below the first surface a keypoint still counts as visible."""
    for part, metres in REACH.items():
        if part in name:
            return metres
    if any(finger in name for finger in FINGERS):
        return 0.012 if name.endswith('4') else 0.02
    return 0.004


def away_of(name: str) -> float:
    """Return the least cosine between the skin's normal and the view; -2: any.

    Edges of lids, lips and nostrils and the finger tips have no clear normal.
    """
    if name in INSIDE or any(word in name for word in (*EDGES, *FINGERS)):
        return -2.0
    if 'helix' in name or 'crus' in name:
        return -0.3
    return -0.5 if name.startswith('left_') else -0.15


def main(argv: Sequence[str] | None = None) -> int:
    """Place and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--output', type=Path, default=DATA / 'keypoints308.json')
    args = parser.parse_args(argv)
    placer = Placer(load_asset())
    places = {**place_face(placer), **place_eye(placer), **place_body(placer)}
    for name, other in ALIASES.items():
        places[name] = dict(places[other])
    lines = []
    for name, entry in sorted(places.items()):
        hand = any(f in name for f in FINGERS) and not name.endswith('4')
        entry['surface'] = not (hand or name in INSIDE)
        entry['reach_m'] = reach_of(name)
        entry['away'] = away_of(name)
        entry['weights'] = [round(w, 6) for w in entry['weights']]
        lines.append(f'{json.dumps(name)}: {json.dumps(entry)}')
    args.output.write_text('{\n' + ',\n'.join(lines) + '\n}\n')
    print(f'{args.output}: {len(places)} places')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
