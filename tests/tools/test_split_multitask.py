"""sapiens convert split and join on small state dicts; what heads then
answer is in tests/multitask."""

import pytest
import torch

pytest.importorskip('mmpose')

from sapiens_mm.checkpoints import read_checkpoint, write_checkpoint  # noqa: E402
from sapiens_mm.cli import convert_join, convert_split  # noqa: E402


@pytest.fixture(scope='module')
def main():
    return convert_split.main


@pytest.fixture(scope='module')
def join():
    return convert_join.main


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


def single(task, value, width=2, grid=4):
    head = 'head' if task == 'pose' else 'decode_head'
    return {
        'backbone.ln1.weight': torch.full((width,), value),
        'backbone.pos_embed': torch.full((1, grid, width), value),
        f'{head}.conv.bias': torch.full((1,), value),
    }


def written(folder, **models):
    for name, model in models.items():
        write_checkpoint(folder / f'{name}.pth', model, {})
    return [f'{name}={folder / name}.pth' for name in models]


def test_joined_files_have_the_first_encoder_and_split_again(
    main, join, tmp_path, capsys
):
    models = dict(pose=single('pose', 1.0), seg=single('seg', 2.0, grid=9))
    out = tmp_path / 'new/all.pth'
    assert join([str(out), *written(tmp_path, **models)]) == 0
    assert capsys.readouterr().out == f'{out}\n'
    assert main([str(out), str(tmp_path / 'tasks')]) == 0
    for task, model in models.items():
        found = read_checkpoint(tmp_path / f'tasks/{task}.pth').state_dict
        encoder = {k: v for k, v in models['pose'].items() if k.startswith('backbone')}
        expected = {**model, **encoder}
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in found)


def test_files_that_do_not_fit_are_not_joined(join, tmp_path, capsys):
    out = tmp_path / 'all.pth'
    pose, wide = written(
        tmp_path, pose=single('pose', 1.0), seg=single('seg', 2.0, width=3)
    )
    for items, match in [
        ([pose, wide], 'seg: the encoder is another one, see backbone.ln1.weight'),
        ([pose.replace('pose=', 'seg=')], 'seg: there are no keys decode_head.*'),
        ([pose, 'seg=' + str(tmp_path / 'none.pth')], 'none.pth'),
        ([pose, pose], 'each once'),
        (['face=a.pth'], "'face=a.pth' is not TASK=FILE"),
    ]:
        try:
            code = join([str(out), *items])
        except SystemExit as end:  # the words themselves are wrong
            code = end.code
        assert code == 2
        error = capsys.readouterr().err
        assert error.startswith('error: ') and match in error
        assert len(error.splitlines()) == 1
        assert not out.exists()
