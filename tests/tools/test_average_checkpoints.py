"""sapiens convert average on small state dicts."""

import pytest
import torch

from sapiens_mm.checkpoints import (
    average_state_dicts,
    read_checkpoint,
    write_checkpoint,
)
from sapiens_mm.cli import convert_average


@pytest.fixture(scope='module')
def main():
    return convert_average.main


def test_the_mean_is_that_of_float64_in_the_first_type():
    torch.manual_seed(0)
    models = [{'weight': torch.randn(5, dtype=torch.float16)} for _ in range(3)]
    for count, model in enumerate(models):
        model['steps'] = torch.tensor(count + 7)
    mean = average_state_dicts(models)
    expected = sum(model['weight'].double() for model in models) / 3
    assert mean['weight'].dtype == torch.float16
    assert torch.equal(mean['weight'], expected.half())
    assert int(mean['steps']) == 7


def test_the_tool_writes_the_mean(main, tmp_path, capsys):
    paths = []
    for value in (1.0, 2.0, 6.0):
        paths.append(str(tmp_path / f'{value}.pth'))
        write_checkpoint(paths[-1], {'backbone.ln1.weight': torch.tensor([value])}, {})
    out = tmp_path / 'new/mean.pth'
    assert main([*paths, '--out', str(out)]) == 0
    assert capsys.readouterr().out == f'{out}\n'
    found = read_checkpoint(out).state_dict
    assert {key: float(value) for key, value in found.items()} == {
        'backbone.ln1.weight': 3.0
    }


def test_files_of_other_models_are_one_sentence(main, tmp_path, capsys):
    models = dict(
        first={'backbone.ln1.weight': torch.ones(2)},
        wide={'backbone.ln1.weight': torch.ones(3)},
        more={'backbone.ln1.weight': torch.ones(2), 'head.bias': torch.ones(1)},
    )
    for name, model in models.items():
        write_checkpoint(tmp_path / f'{name}.pth', model, {})
    for names, match in [
        (
            ('first', 'wide'),
            'model 2 is another one than the first: backbone.ln1.weight',
        ),
        (('first', 'more'), 'head.bias differs'),
        (('more', 'first'), 'head.bias differs'),
        (('first',), 'two models or more, not 1'),
        (('first', 'none'), 'none.pth'),
    ]:
        paths = [str(tmp_path / f'{name}.pth') for name in names]
        assert main([*paths, '--out', str(tmp_path / 'mean.pth')]) == 2
        error = capsys.readouterr().err
        assert error.startswith('error: ') and match in error
        assert len(error.splitlines()) == 1
        assert not (tmp_path / 'mean.pth').exists()
