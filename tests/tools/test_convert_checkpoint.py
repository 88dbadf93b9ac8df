import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from script_util import load_script

from sapiens_mm.checkpoints import convert as work
from sapiens_mm.checkpoints import read_checkpoint, write_checkpoint
from sapiens_mm.cli import convert_checkpoint as tool

ROOT = Path(__file__).parents[2]


TOOL = ROOT / 'tools/convert_checkpoint.py'
cases = load_script('tests/checkpoints/checkpoint_util.py')

WEIGHTS = cases.tiny_weights()
BARE = cases.strip_prefix(WEIGHTS)
BACKBONE = {k: v for k, v in WEIGHTS.items() if k.startswith('backbone.')}


@pytest.fixture
def official(tmp_path):
    """A training checkpoint in the official layout."""
    path = tmp_path / 'official.pth'
    content = {
        'meta': {'epoch': 210, 'cfg': 'secret = 1'},
        'state_dict': {f'module.{name}': value for name, value in WEIGHTS.items()},
        'optimizer': {'state': {0: {'exp_avg': torch.zeros(100_000)}}},
    }
    torch.save(content, path)
    return path


def run(*args):
    return tool.main([str(arg) for arg in args])


def assert_holds(path, expected, dtype=torch.float32):
    found = read_checkpoint(path).state_dict
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == dtype
        assert torch.equal(found[name], tensor.to(dtype))


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
@pytest.mark.parametrize(
    'part, expected', [('full', WEIGHTS), ('backbone', BACKBONE), ('encoder', BARE)]
)
def test_parts(official, tmp_path, suffix, part, expected, capsys):
    output = tmp_path / f'ours{suffix}'
    assert run(official, output, '--part', part) == 0
    assert_holds(output, expected)
    assert f'{len(expected)} keys' in capsys.readouterr().out
    meta = read_checkpoint(output).meta
    assert 'pose checkpoint with 17 keypoints' in meta['description']
    assert int(meta['epoch']) == 210 and 'cfg' not in meta
    assert sorted(os.listdir(tmp_path)) == sorted(['official.pth', output.name])
    assert output.stat().st_size < 300_000  # the optimizer is gone


@pytest.mark.parametrize(
    'name, dtype',
    [('fp16', torch.float16), ('bf16', torch.bfloat16), ('fp32', torch.float32)],
)
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_dtypes(official, tmp_path, suffix, name, dtype):
    output = tmp_path / f'half{suffix}'
    assert run(official, output, '--dtype', name) == 0
    assert_holds(output, WEIGHTS, dtype)


def test_there_and_back(official, tmp_path):
    ours, back = tmp_path / 'ours.safetensors', tmp_path / 'back.pth'
    assert run(official, ours) == run(ours, back, '--to', 'official') == 0
    content = torch.load(back, weights_only=True)
    assert set(content) == {'meta', 'state_dict'} and content['meta'] == {}
    assert list(content['state_dict']) == list(read_checkpoint(ours).state_dict)
    assert_holds(back, WEIGHTS)


def test_official_encoders_are_bare_dicts(official, tmp_path):
    output = tmp_path / 'sapiens_clean.pth'
    assert run(official, output, '--to', 'official', '--part', 'encoder') == 0
    content = torch.load(output, weights_only=True)
    assert set(content) == set(BARE)
    again = tmp_path / 'again.pth'
    assert run(output, again, '--part', 'backbone') == 0
    assert_holds(again, BACKBONE)


@pytest.mark.filterwarnings('ignore')
def test_from_torchscript(tmp_path):
    module = cases.Holder(cases.tiny_shapes())
    module.load_state_dict(WEIGHTS)
    source = tmp_path / 'm_torchscript.pt2'
    torch.jit.save(torch.jit.trace(module.eval(), torch.zeros(1)), str(source))
    assert run(source, tmp_path / 'ours.pth') == 0
    assert_holds(tmp_path / 'ours.pth', WEIGHTS)


def test_info(official, capsys):
    assert run(official, '--info') == 0
    out = capsys.readouterr().out
    assert f'{official} is a Sapiens-like (width 32, 2 blocks) pose checkpoint' in out
    assert 'keys: 37, with' in out and 'dtype: float32' in out
    assert 'encoder keys begin with: module.backbone.' in out
    assert 'configs: none of ours' in out


def test_a_detector_is_converted_whole(tmp_path, capsys):
    path = tmp_path / 'det.pth'
    write_checkpoint(path, {'bbox_head.rtm_cls.0.bias': torch.zeros(1)}, {})
    assert run(path, '--info') == 0
    assert 'mmdet detector' in capsys.readouterr().out
    assert run(path, tmp_path / 'out.pth', '--part', 'encoder') == 2
    assert 'mmdet detector' in capsys.readouterr().err
    assert run(path, tmp_path / 'out.safetensors', '--dtype', 'fp16') == 0
    written = read_checkpoint(tmp_path / 'out.safetensors').state_dict
    assert written['bbox_head.rtm_cls.0.bias'].dtype == torch.float16


def test_overwriting_needs_force(official, tmp_path, capsys):
    output = tmp_path / 'ours.pth'
    output.write_bytes(b'precious')
    assert run(official, output) == 2
    assert 'exists; pass --force' in capsys.readouterr().err
    assert output.read_bytes() == b'precious'
    assert run(official, output, '--force') == 0
    assert_holds(output, WEIGHTS)
    assert run(output, output, '--force', '--dtype', 'bf16') == 0  # onto itself
    assert_holds(output, WEIGHTS, torch.bfloat16)


@pytest.mark.parametrize(
    'source, options, words',
    [
        ('none.pth', ['out.pth'], 'There is no checkpoint'),
        ('text.pth', ['out.pth'], 'no known format'),
        ('official.pth', ['out.zip'], 'must end in .pth'),
        ('official.pth', ['.'], 'is a folder'),
        ('official.pth', ['a.safetensors', '--to', 'official'], 'official layout'),
    ],
)
def test_mistakes_are_one_line(
    official, tmp_path, monkeypatch, capsys, source, options, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'text.pth').write_text('no weights here')
    assert run(source, *options) == 2
    err = capsys.readouterr().err
    assert words in err and err.count('\n') == 1
    assert sorted(os.listdir()) == ['official.pth', 'text.pth']


@pytest.mark.parametrize(
    'options',
    [[], ['a.pth'], ['a.pth', 'b.pth', '--dtype', 'int8'], ['--part', 'head']],
)
def test_wrong_options_exit_with_2(options, capsys):
    with pytest.raises(SystemExit) as caught:
        run(*options)
    assert caught.value.code == 2 and capsys.readouterr().err.count('\n') == 1


@pytest.mark.parametrize('damage', ['value', 'key', 'dtype'])
def test_a_wrong_copy_is_not_kept(official, tmp_path, monkeypatch, capsys, damage):
    def write(path, state_dict, meta, *, dtype):
        wrong = dict(state_dict)
        if damage == 'value':
            wrong['head.final_layer.bias'] = wrong['head.final_layer.bias'] + 1e-7
        elif damage == 'key':
            del wrong['head.final_layer.bias']
        write_checkpoint(
            path, wrong, meta, dtype=torch.float16 if damage == 'dtype' else None
        )

    monkeypatch.setattr(work, 'write_checkpoint', write)
    assert run(official, tmp_path / 'ours.pth') == 2
    assert 'nothing was written' in capsys.readouterr().err
    assert os.listdir(tmp_path) == ['official.pth']


def test_as_a_command(official, tmp_path):
    env = os.environ | {'PYTHONPATH': str(ROOT)}
    command = [
        sys.executable,
        str(TOOL),
        str(official),
        str(tmp_path / 'o.safetensors'),
    ]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert 'verified' in done.stdout
    failed = subprocess.run(command, env=env, capture_output=True, text=True)
    assert failed.returncode == 2 and 'Traceback' not in failed.stderr
    assert_holds(tmp_path / 'o.safetensors', WEIGHTS)
