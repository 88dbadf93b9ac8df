"""Maps, masks and labels, damaged or wrongly encoded: told in a sentence, or right."""

import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

sys.path.insert(0, str(Path(__file__).parent))
from map_cases import HW, PEOPLE, PERSON, TWO, cases

from sapiens_mm.data.files import BadFileError
from sapiens_mm.geometry.loading import SapiensLoadMap
from sapiens_mm.seg.load_labels import SapiensLoadLabels

MAX_S = 2.0  # a case


@pytest.fixture(scope='module')
def mask_path(tmp_path_factory):
    path = tmp_path_factory.mktemp('mask') / 'mask.png'
    cv2.imwrite(str(path), TWO * 255)
    return path


def read(case, path, mask_path):
    """Return what is read, and where it counts."""
    if case.reader in ('labels', 'two'):
        info = dict(num_classes=28 if case.reader == 'labels' else 2, label_map=None)
        info |= case.options | dict(seg_map_path=str(path), seg_fields=[])
        results = SapiensLoadLabels().transform(dict(info, ori_shape=HW))
        return results['gt_seg_map'], np.ones(HW, bool)
    names = {'map_scale': 'scale', 'map_layer': 'layer'}
    form = {names.get(key, key): value for key, value in case.options.items()}
    kind = 'normal' if case.reader == 'normal' else 'depth'
    paths = dict(map_path=path, mask_path=mask_path)
    if case.reader == 'mask':
        depth = path.with_name('depth_of_masks.npy')
        np.save(depth, PERSON.depth * 0 + np.linspace(1, 2, HW[1], dtype=np.float32))
        paths = dict(map_path=depth, mask_path=path)
    results = dict(paths, map_kind=kind, map_format=form, ori_shape=HW)
    results = SapiensLoadMap().transform(results)
    if case.reader == 'mask':
        return results['gt_mask'], np.ones(HW, bool)
    return results['gt_map'], results['gt_mask'] > 0


def wrong_by(case, values, where):
    """Return the largest error; of masks the share of pixels, of normals degrees."""
    if values.shape != case.expected.shape:
        return np.inf
    if case.reader == 'normal':
        cosine = (values * case.expected).sum(2)[where].clip(-1, 1)
        return np.degrees(np.arccos(cosine)).max(initial=0)
    if case.reader == 'mask':
        return (values != case.expected).mean()
    error = np.abs(values.astype(np.float64) - case.expected)
    return error[where].max(initial=0)


def test_told_or_right(tmp_path, mask_path):
    counts, faults, names = Counter(), [], set()
    for case in cases(seed=0):
        assert case.name not in names
        names.add(case.name)
        path = tmp_path / f'case{case.suffix}'
        path.write_bytes(case.data)
        begin = time.perf_counter()
        try:
            values, where = read(case, path, mask_path)
        except BadFileError as error:
            found, text = False, str(error)
            if '\n' in text or len(text) > 600 or str(path) not in text:
                faults.append(f'{case.name}: no sentence: {text!r}')
        except Exception as error:
            found = None
            faults.append(f'{case.name}: {type(error).__name__}: {error}')
        else:
            found, error = True, wrong_by(case, values, where)
            if not where[PEOPLE].mean() > 0.8 or error > case.atol + 1e-6:
                faults.append(f'{case.name}: read, wrong by {error}')
        took = time.perf_counter() - begin
        if case.right is not None and found is not case.right:
            said = '' if found else f': {text}' if found is False else ''
            faults.append(f'{case.name}: {"read" if found else "told"}{said}')
        if took > MAX_S:
            faults.append(f'{case.name}: {took:.1f} s')
        counts[case.reader, {True: 'right', False: 'told', None: 'fault'}[found]] += 1
    print(', '.join(f'{a} {b} {n}' for (a, b), n in sorted(counts.items())))
    assert not faults, '\n'.join(faults)
    assert sum(counts.values()) == 300
    assert min(counts[kind, 'told'] for kind in ('depth', 'normal', 'mask')) > 5


def test_the_same_seed_gives_the_same_files():
    first, second = ([(c.name, c.data) for c in cases(3)] for _ in range(2))
    assert first == second
    assert first != [(c.name, c.data) for c in cases(4)]
