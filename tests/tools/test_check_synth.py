"""The check of synthetic people, on a few small samples."""

import numpy as np
import pytest
from script_util import load_script

pytest.importorskip('numba')

check_synth = load_script('tools/dev/check_synth.py')


def test_few_samples_lack_classes_and_are_named(capsys):
    words = ['--num', '2', '--size', '128x96', '--set', 'framing=face']
    words += ['--set', 'people=one', '--set', 'shoes=1']
    assert check_synth.main(words) == 1
    said = capsys.readouterr().out
    assert '2 images, 2 people' in said
    (line,) = [line for line in said.splitlines() if line.startswith('broken: classes')]
    assert 'Left_Foot' in line and 'Face_Neck' not in line
    assert 'left_big_toe 0.0%' in said


def test_what_is_promised_is_compared():
    found = check_synth.Findings()
    found.stats.people = 100
    found.stats.class_pixels += 1
    found.stats.visibility[:, 2] = 5
    found.on_surface += 20
    found.angles_deg = [1.0, 2.9, 9.0]
    assert found.problems() == []
    found.stats.visibility[1, 2] = 4
    found.on_surface[2, 1] = 18
    found.angles_deg.append(9.0)
    found.angles_deg.append(9.0)
    found.stats.class_pixels[27] = 0
    classes, rare, beside, angles = found.problems()
    assert classes.endswith('Tongue')
    assert rare.endswith('5%: left_eye 4.0%') and rare.startswith('1 keypoints')
    assert beside.endswith('surface: right_eye 90.0%')
    assert angles == 'depth and normals disagree'
    assert np.median(found.angles_deg) == 9


def test_wrong_calls_are_one_sentence(capsys):
    assert check_synth.main(['--num', '1', '--set', 'hat=2']) == 2
    assert 'setting hat is 2.0' in capsys.readouterr().err
