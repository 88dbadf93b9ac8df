"""Every format gives the same tensors; every bad file gives one sentence."""

import io
import os
import pickle
import shutil
import tarfile
import zipfile
from collections import OrderedDict

import pytest
import torch
from checkpoint_util import Holder, tiny_shapes, tiny_weights

from sapiens_mm.checkpoints import CheckpointError, read_checkpoint, write_checkpoint

WEIGHTS = tiny_weights()


def assert_same(found, expected=WEIGHTS):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


def save_script(path, weights=WEIGHTS):
    module = Holder({name: tuple(value.shape) for name, value in weights.items()})
    module.load_state_dict(weights, assign=True)
    traced = torch.jit.trace(module.eval(), torch.zeros(1))
    torch.jit.save(traced, str(path))


def rewrite(path, edit):
    """Save a torch zip anew, its pickle edited and its records unaligned."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in records.items():
            archive.writestr(name, edit(data) if name.endswith('data.pkl') else data)


class Runs:
    """Pickles to a call."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


# formats


@pytest.mark.parametrize('name', ['a.pth', 'a.pt', 'a.bin', 'noext'])
@pytest.mark.parametrize('layout', ['full', 'bare', 'ordered', 'model'])
def test_torch_zip(tmp_path, name, layout):
    content = {
        'full': {'meta': {'epoch': 3}, 'state_dict': WEIGHTS, 'optimizer': {'lr': 1.0}},
        'bare': WEIGHTS,
        'ordered': OrderedDict(WEIGHTS),
        'model': {'model': WEIGHTS, 'step': 3},
    }[layout]
    torch.save(content, tmp_path / name)
    checkpoint = read_checkpoint(tmp_path / name)
    assert_same(checkpoint.state_dict)
    assert checkpoint.format == 'torch'
    assert checkpoint.meta == ({'epoch': 3} if layout == 'full' else {})


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
def test_legacy_torch(tmp_path, dtype):
    weights = tiny_weights(dtype=dtype)
    path = tmp_path / 'old.pth'
    torch.save({'state_dict': weights}, path, _use_new_zipfile_serialization=False)
    checkpoint = read_checkpoint(str(path))
    assert checkpoint.format == 'torch-legacy'
    assert_same(checkpoint.state_dict, weights)


def test_safetensors_of_the_reference_library(tmp_path):
    safetensors = pytest.importorskip('safetensors.torch')
    weights = tiny_weights(dtype=torch.bfloat16)
    weights['backbone.pos_embed'] = weights['backbone.pos_embed'].float()
    path = tmp_path / 'a.safetensors'
    safetensors.save_file(weights, path, metadata={'epoch': '3'})
    shutil.copy(path, tmp_path / 'lies.pth')
    for copy in (path, tmp_path / 'lies.pth'):
        checkpoint = read_checkpoint(copy)
        assert checkpoint.format == 'safetensors'
        assert checkpoint.meta == {'epoch': '3'}
        assert_same(checkpoint.state_dict, weights)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('name', ['m_torchscript.pt2', 'm.pt', 'lies.safetensors'])
@pytest.mark.filterwarnings('ignore:.*torch.jit')
def test_torchscript_without_running_it(tmp_path, monkeypatch, name, dtype):
    weights = tiny_weights(dtype=dtype)
    save_script(tmp_path / name, weights)
    monkeypatch.setattr(torch.jit, 'load', None)
    checkpoint = read_checkpoint(tmp_path / name)
    assert checkpoint.format == 'torchscript'
    assert_same(checkpoint.state_dict, weights)


@pytest.mark.filterwarnings('ignore')
def test_torchscript_that_was_frozen(tmp_path):
    module = torch.nn.Linear(2, 2).eval()
    frozen = torch.jit.freeze(torch.jit.trace(module, torch.zeros(1, 2)))
    torch.jit.save(frozen, str(tmp_path / 'frozen.pt'))
    with pytest.raises(CheckpointError, match='without named weights'):
        read_checkpoint(tmp_path / 'frozen.pt')


@pytest.mark.filterwarnings('ignore')
def test_export_archive(tmp_path):
    module = Holder(tiny_shapes())
    module.load_state_dict(WEIGHTS)
    program = torch.export.export(module.eval(), (torch.zeros(1),))
    torch.export.save(program, tmp_path / 'now.pt2')
    checkpoint = read_checkpoint(tmp_path / 'now.pt2')
    assert checkpoint.format == 'export'
    assert_same(checkpoint.state_dict)


@pytest.mark.parametrize('pad', range(3))
def test_export_archive_as_torch_2_3_wrote_it(tmp_path, pad):
    weights = tiny_weights(dtype=torch.bfloat16)
    inner = io.BytesIO()
    parameters = {k: torch.nn.Parameter(v) for k, v in weights.items()}
    torch.save(parameters, inner)
    with zipfile.ZipFile(tmp_path / 'then.pt2', 'w') as archive:
        # padding: the archive inside starts at odd addresses too
        archive.writestr('serialized_exported_program.json', '{' + ' ' * pad + '}')
        archive.writestr('serialized_state_dict.pt', inner.getvalue())
        archive.writestr('version', '5.1')
    checkpoint = read_checkpoint(tmp_path / 'then.pt2')
    assert checkpoint.format == 'export'
    assert_same(checkpoint.state_dict, weights)


def make_official(path, edit=lambda data: data):
    """A file with a meta like the official ones: a ConfigDict with arrays."""
    config = pytest.importorskip('mmengine.config')
    np = pytest.importorskip('numpy')
    sigmas = np.full(17, 0.025, dtype=np.float32)
    meta = {'epoch': 210, 'dataset_meta': config.ConfigDict(name='coco', sigmas=sigmas)}
    torch.save({'meta': meta, 'state_dict': WEIGHTS}, path)
    rewrite(path, edit)


def test_official_meta_of_numpy_1(tmp_path):
    path = tmp_path / 'official.pth'
    make_official(path, lambda data: data.replace(b'numpy._core', b'numpy.core'))
    checkpoint = read_checkpoint(path)
    assert_same(checkpoint.state_dict)
    assert checkpoint.meta['epoch'] == 210


@pytest.mark.filterwarnings('ignore')
def test_training_checkpoint_of_mmengine(tmp_path):
    logging = pytest.importorskip('mmengine.logging')
    hub = logging.MessageHub('checkpoints_test')
    hub.update_scalar('train/loss', 1.0)
    content = {
        'meta': {'epoch': 2, 'cfg': 'model = dict()'},
        'state_dict': WEIGHTS,
        'message_hub': hub.state_dict(),
        'optimizer': {'state': {0: {'exp_avg': torch.zeros(3)}}, 'param_groups': []},
    }
    torch.save(content, tmp_path / 'epoch_2.pth')
    checkpoint = read_checkpoint(tmp_path / 'epoch_2.pth')
    assert_same(checkpoint.state_dict)
    assert checkpoint.meta['epoch'] == 2


def test_tensors_take_no_memory_before_they_are_read(tmp_path):
    """A private mapping: what is written to the tensors never reaches the file."""
    torch.save(WEIGHTS, tmp_path / 'a.pth')
    write_checkpoint(tmp_path / 'a.safetensors', WEIGHTS, {})
    for name in ('a.pth', 'a.safetensors'):
        before = (tmp_path / name).read_bytes()
        read_checkpoint(tmp_path / name).state_dict['backbone.pos_embed'].zero_()
        assert (tmp_path / name).read_bytes() == before


# bad input


def check_refused(path, match):
    with pytest.raises(CheckpointError, match=match) as caught:
        read_checkpoint(path)
    text = str(caught.value)
    assert str(path) in text and '\n' not in text and text.endswith('.')
    assert '..' not in text.replace(str(path), '')


@pytest.mark.parametrize(
    'content, match',
    [
        (b'', 'empty'),
        (b'\n <!DOCTYPE html><html><body>404</body></html>', 'web page'),
        (
            b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4675000\n',
            'git-lfs pull|git lfs pull',
        ),
        (b'\x1f\x8b\x08\x00abc', 'gzip'),
        (b'\xff\xd8\xff\xe0 an image', 'no known format'),
        (b'a few words of text', 'no known format'),
        (b'PK\x03\x04 cut', 'truncated'),
    ],
)
def test_no_checkpoint_at_all(tmp_path, content, match):
    path = tmp_path / 'sapiens.pth'
    path.write_bytes(content)
    check_refused(path, match)


def test_missing_file_and_folder(tmp_path):
    check_refused(tmp_path / 'none.pth', 'There is no checkpoint')
    check_refused(tmp_path, 'is a folder')


def save_kind(path, kind):
    if kind == 'torch':
        torch.save({'state_dict': WEIGHTS}, path)
    elif kind == 'legacy':
        torch.save(WEIGHTS, path, _use_new_zipfile_serialization=False)
    elif kind == 'safetensors':
        write_checkpoint(path.with_suffix('.safetensors'), WEIGHTS, {})
        path.with_suffix('.safetensors').rename(path)
    else:
        save_script(path)


@pytest.mark.parametrize('kind', ['torch', 'legacy', 'safetensors', 'script'])
@pytest.mark.parametrize('keep', [0.02, 0.5, 0.9, 0.999])
@pytest.mark.filterwarnings('ignore')
def test_truncated(tmp_path, kind, keep):
    path = tmp_path / 'cut.pth'
    save_kind(path, kind)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    check_refused(path, 'truncated|cut short|damaged')


@pytest.mark.parametrize('kind', ['torch', 'safetensors', 'script'])
@pytest.mark.filterwarnings('ignore')
def test_scrambled(tmp_path, kind):
    """Noise anywhere gives the same names or one sentence, nothing else."""
    path = tmp_path / 'noise.pth'
    save_kind(path, kind)
    data = path.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        noisy = bytearray(data)
        spots = torch.randint(0, len(data), (8,), generator=generator).tolist()
        # the directory of a zip is at its end, the header of others at the start
        spots += [len(data) - 1 - spot % 4096 for spot in spots[:2]]
        spots += [spot % 512 for spot in spots[2:4]]
        for spot in spots:
            noisy[spot] ^= 1 << (spot % 8)
        path.write_bytes(noisy)
        try:
            read_checkpoint(path)
        except CheckpointError as error:
            assert '\n' not in str(error)


@pytest.mark.parametrize(
    'content, match',
    [
        ({}, 'holds no weights .*nothing at all'),
        ({'state_dict': {}}, 'holds no weights'),
        ({'epoch': 3, 'lr': 0.1}, "holds no weights .*'epoch', 'lr'"),
        ([torch.zeros(2)], 'type list'),
        (torch.zeros(2), 'type (Tensor|Parameter)'),
    ],
)
def test_nothing_inside(tmp_path, content, match):
    torch.save(content, tmp_path / 'a.pth')
    check_refused(tmp_path / 'a.pth', match)


def test_zip_of_a_checkpoint(tmp_path):
    torch.save(WEIGHTS, tmp_path / 'a.pth')
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        archive.write(tmp_path / 'a.pth', 'a.pth')
    check_refused(tmp_path / 'a.zip', 'zip archive without weights')


def test_two_models(tmp_path):
    twice = {f'model.{k}': v for k, v in WEIGHTS.items()} | WEIGHTS
    torch.save(twice, tmp_path / 'a.pth')
    check_refused(tmp_path / 'a.pth', 'two copies of')


# pickles with code

COMMANDS = [
    (os.system, 'system'),
    (eval, r'(builtins|__builtin__)\.eval'),
    (os.putenv, 'putenv'),
]


@pytest.mark.parametrize('function, match', COMMANDS)
@pytest.mark.parametrize('where', ['meta', 'weights', 'top'])
@pytest.mark.parametrize('zipped', [True, False])
def test_code_is_refused_and_named(tmp_path, function, match, where, zipped):
    flag = tmp_path / 'ran'
    command = f'touch {flag}' if function is os.system else f'open({str(flag)!r}, "w")'
    attack = Runs(function, command)
    content = {'state_dict': dict(WEIGHTS), 'meta': {}}
    if where == 'top':
        content = attack
    else:
        content['meta' if where == 'meta' else 'state_dict']['x'] = attack
    torch.save(content, tmp_path / 'evil.pth', _use_new_zipfile_serialization=zipped)
    check_refused(tmp_path / 'evil.pth', rf'refused: .* run code \(.*{match}\)')
    assert not flag.exists()


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_pickles_with_code(tmp_path, protocol):
    flag = tmp_path / 'ran'
    attack = Runs(os.system, f'touch {flag}')
    (tmp_path / 'evil.pth').write_bytes(pickle.dumps(attack, protocol))
    check_refused(tmp_path / 'evil.pth', r'run code \((posix|nt)\.system\)')
    assert not flag.exists()


def test_whole_module_is_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / 'module.pth')
    check_refused(tmp_path / 'module.pth', r'torch\.nn\.modules\.linear\.Linear')


def test_instances_of_old_opcodes_are_refused(tmp_path):
    (tmp_path / 'inst.pkl').write_bytes(b"(S'true'\niposix\nsystem\n.")
    check_refused(tmp_path / 'inst.pkl', r'posix\.system')
    (tmp_path / 'obj.pkl').write_bytes(b"(cposix\nsystem\nS'true'\no.")
    check_refused(tmp_path / 'obj.pkl', r'posix\.system')


def test_scripts_never_reach_torch_load(tmp_path, monkeypatch):
    """Torch.load hands archives with constants to TorchScript, which runs code."""
    path = tmp_path / 'a.pth'
    torch.save(WEIGHTS, path)
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('other/constants.pkl', b'')
    monkeypatch.setattr(torch, 'load', None)
    check_refused(path, 'TorchScript archive')


def test_tar_files_never_reach_torch_load(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    torch.save(WEIGHTS, path, _use_new_zipfile_serialization=False)
    monkeypatch.setattr(tarfile, 'is_tarfile', lambda _: True)
    monkeypatch.setattr(torch, 'load', None)
    check_refused(path, 'no known format')
