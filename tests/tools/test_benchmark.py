"""The benchmark's command line at the smallest sizes."""

import json
import time

import pytest
import torch
from script_util import load_script

benchmark = load_script('tools/dev/benchmark.py')


def run(*words):
    return benchmark.main([*map(str, words), '--device', 'cpu', '--repeats', '1'])


def test_decode(tmp_path, capsys):
    pytest.importorskip('mmpose')
    path = tmp_path / 'out.json'
    words = ('--num-keypoints', 2, 3, '--batch', 2, '--maps', 'peaks', 'noise')
    assert run('decode', *words, '--json', path) == 0
    found = json.loads(path.read_text())
    assert found['command'] == 'decode'
    assert torch.__version__.startswith(found['machine']['torch'])
    cases = [(row['maps'], row['keypoints']) for row in found['rows']]
    assert cases == [('peaks', 2), ('peaks', 3), ('noise', 2), ('noise', 3)]
    for row in found['rows']:
        assert row['batch'] == 2
        assert row['within 0.01 px'] == 1
        ratio = row['mmpose ms/person'] / row['ours ms/person']
        assert row['ratio'] == pytest.approx(ratio)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-5].split()[:2] == ['maps', 'keypoints']
    assert lines[-1].split()[:3] == ['noise', '3', '2']
    assert any('cores' in line for line in lines)


def test_backbone(tmp_path):
    path = tmp_path / 'out.json'
    words = ('--size', 'tiny', '--hw', 64, 48, '--batch', 1, 2)
    assert run('backbone', *words, '--dtype', 'float32', '--json', path) == 0
    first, second = json.loads(path.read_text())['rows']
    assert (first['size'], first['dtype'], first['compile']) == (
        'tiny',
        'float32',
        'off',
    )
    assert (first['batch'], second['batch']) == (1, 2)
    assert first['ratio to first'] == 1
    ratio = second['images/s'] / first['images/s']
    assert second['ratio to first'] == pytest.approx(ratio)
    assert first['ms/image'] == pytest.approx(1e3 / first['images/s'])


def test_synth(tmp_path):
    pytest.importorskip('numba')
    path = tmp_path / 'out.json'
    words = ('--hw', 96, 64, 64, 96, '--images', 2, '--threads', 1)
    assert run('synth', *words, '--json', path) == 0
    rows = json.loads(path.read_text())['rows']
    assert [row['size'] for row in rows] == ['96x64', '64x96']
    for row in rows:
        stages = ('people', 'scene', 'light', 'draw', 'behind', 'labels', 'sensor')
        seconds = [row[stage] for stage in stages]
        assert min(seconds) > 0
        # the rest is sums of maps and checks
        assert 0.7 * row['s/image'] < sum(seconds) <= row['s/image'] * 1.001
        assert 1 < row['KB/image'] < 60


def test_synth_wants_pairs(capsys):
    with pytest.raises(SystemExit):
        run('synth', '--hw', 96)
    assert 'height and width of each size' in capsys.readouterr().err


def test_seg(tmp_path):
    pytest.importorskip('mmseg')
    path = tmp_path / 'out.json'
    with pytest.warns(UserWarning, match='random weights'):
        words = ('--size', 'tiny', '--hw', 64, 48, '--image', 40, 30)
        assert run('seg', *words, '--json', path) == 0
    rows = json.loads(path.read_text())['rows']
    assert [row['resize'] for row in rows] == ['twice', 'once']
    for row in rows:
        assert (row['size'], row['image'], row['dtype']) == ('tiny', '30x40', 'float32')
        assert row['ratio'] == pytest.approx(row['image ms'] / row['network ms'])


def test_calls_take_turns_and_medians_count():
    order = []
    pauses = iter([0.5, 0, 0.01, 0.3, 0.02])  # warm-up, warm-up, measured

    def slow():
        order.append('slow')
        time.sleep(next(pauses))

    calls = {'slow': slow, 'quick': lambda: order.append('quick')}
    found = benchmark.measure(calls, 3, torch.device('cpu'))
    assert order == ['slow', 'quick'] * 5
    assert 0.02 <= found['slow'] < 0.2
    assert found['quick'] < 0.01


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['decode', '--batch', '0'], 'must be at least 1, got 0'),
        (['decode', '--maps', 'faces'], "'faces'"),
        (['backbone', '--size', '9b'], "'9b'"),
        (['backbone', '--json', 'nowhere/out.json'], 'nowhere/out.json does not exist'),
        ([], 'command'),
    ],
)
def test_wrong_command_lines(words, message, capsys):
    with pytest.raises(SystemExit) as caught:
        benchmark.main(words)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1


def test_missing_device(capsys):
    assert benchmark.main(['decode', '--device', 'toaster']) == 2
    assert "got 'toaster'" in capsys.readouterr().err
