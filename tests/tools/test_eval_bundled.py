"""tools/eval_bundled.py on a handful of synthetic people."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sapiens_mm.checkpoints.bundled import BUNDLED

for host in ('mmpose', 'mmseg', 'mmdet', 'numba'):
    pytest.importorskip(host)

EVALUATE = [Path(__file__).resolve().parents[2] / 'tools/dev/eval_bundled.py']


def run(tool, *argv, code=0):
    done = subprocess.run(
        [sys.executable, *tool, *map(str, argv)],
        capture_output=True,
        text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.mark.slow
def test_every_bundled_model_is_scored(tmp_path):
    people = tmp_path / 'people'
    make = ('--num', 6, '--seed', 3, '--size', '256x192', '--split', 0, 0, 1)
    run(['-m', 'sapiens_mm', 'synth'], people, *make)
    out = tmp_path / 'figures.json'
    coco = people / 'annotations/test_17.json'
    photos = ('--coco', coco, '--coco-images', people / 'images/test')
    run(EVALUATE, people, '--out', out, *photos, '--task', *BUNDLED)
    figures = json.loads(out.read_text())
    wanted = {f'{task}, synthetic' for task in BUNDLED}
    wanted |= {f'{task}, COCO' for task in BUNDLED if task in ('pose', 'det')}
    assert figures.keys() == wanted
    assert figures['seg, synthetic']['aAcc'] > 50
    assert 0 < figures['normal, synthetic']['normal/mean'] < 60
    # the same people and boxes, once as ours and once as COCO's
    for task, key in (('pose', 'coco-common17/AP'), ('det', 'recall_50')):
        if task in BUNDLED:
            ours, cocos = figures[f'{task}, synthetic'], figures[f'{task}, COCO']
            assert ours[key] == pytest.approx(cocos[key])


def test_wrong_calls_are_one_sentence(tmp_path):
    said = run(EVALUATE, tmp_path, '--checkpoint', 'a.pth', code=2)
    assert '--checkpoint and --config go with one --task' in said
