"""tools/split_multitask.py on small state dicts; what heads then answer is in
tests/multitask."""

import importlib.util
from pathlib import Path

import pytest
import torch

pytest.importorskip('mmpose')

from sapiens_mm.checkpoints import read_checkpoint, write_checkpoint  # noqa: E402

TOOL = Path(__file__).parents[2] / 'tools/split_multitask.py'


@pytest.fixture(scope='module')
def main():
    spec = importlib.util.spec_from_file_location('split_multitask', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def test_one_file_a_task(main, tmp_path, capsys):
    weights = {
        'backbone.ln1.weight': torch.ones(2),
        'head.heads.pose.final_layer.bias': torch.tensor([1.0]),
        'head.heads.seg.conv_seg.bias': torch.tensor([2.0]),
    }
    source = tmp_path / 'epoch_1.pth'
    write_checkpoint(source, weights, {})
    assert main([str(source), str(tmp_path / 'tasks')]) == 0
    written = sorted((tmp_path / 'tasks').iterdir())
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / 'tasks/pose.pth'),
        str(tmp_path / 'tasks/seg.pth'),
    ]
    pose, seg = (read_checkpoint(path).state_dict for path in written)
    assert set(pose) == {'backbone.ln1.weight', 'head.final_layer.bias'}
    assert set(seg) == {'backbone.ln1.weight', 'decode_head.conv_seg.bias'}
    assert float(seg['decode_head.conv_seg.bias']) == 2


@pytest.mark.parametrize('content', [None, {'backbone.ln1.weight': torch.ones(2)}])
def test_wrong_calls_are_one_sentence(main, tmp_path, capsys, content):
    source = tmp_path / 'epoch_1.pth'
    if content is not None:
        write_checkpoint(source, content, {})
    assert main([str(source), str(tmp_path / 'tasks')]) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and str(source) in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / 'tasks').exists()
