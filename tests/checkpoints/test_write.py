import shutil
from collections import namedtuple

import pytest
import torch
from checkpoint_util import tiny_weights

from sapiens_mm.checkpoints import CheckpointError, read_checkpoint, write_checkpoint

WEIGHTS = tiny_weights()


@pytest.mark.parametrize('suffix', ['.pth', '.pt', '.safetensors'])
@pytest.mark.parametrize('dtype', [None, torch.bfloat16, torch.float16])
def test_round_trip(tmp_path, suffix, dtype):
    weights = WEIGHTS | {
        'head.count': torch.tensor(7),
        'head.flag': torch.tensor([True]),
    }
    path = tmp_path / 'new' / f'a{suffix}'
    write_checkpoint(path, weights, {'epoch': 3, 'why': 'test'}, dtype=dtype)
    found = read_checkpoint(path)
    assert set(found.state_dict) == set(weights)
    for name, tensor in weights.items():
        expected = tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor
        assert found.state_dict[name].dtype == expected.dtype
        assert torch.equal(found.state_dict[name], expected)
    assert found.meta['why'] == 'test' and int(found.meta['epoch']) == 3
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_safetensors_is_read_by_the_reference_library(tmp_path):
    safetensors = pytest.importorskip('safetensors')
    path = tmp_path / 'a.safetensors'
    odd = {'odd': torch.arange(3, dtype=torch.int8), 'empty': torch.zeros(0, 4)}
    write_checkpoint(path, WEIGHTS | odd, {'task': 'pose'})
    with safetensors.safe_open(path, 'pt') as file:
        assert file.metadata() == {'task': 'pose'}
        assert set(file.keys()) == set(WEIGHTS | odd)
        for name, tensor in (WEIGHTS | odd).items():
            assert torch.equal(file.get_tensor(name), tensor)


def test_bare_dict(tmp_path):
    write_checkpoint(tmp_path / 'a.pth', WEIGHTS, None)
    content = torch.load(tmp_path / 'a.pth', weights_only=True)
    assert set(content) == set(WEIGHTS)


def test_slices_do_not_drag_their_storage_along(tmp_path):
    whole = torch.randn(1000, 1000)
    weights = {'a': whole[:2], 'b': whole[:, :2], 'c': whole[:3].t()}
    for name in ('a.pth', 'a.safetensors'):
        write_checkpoint(tmp_path / name, weights, {})
        assert (tmp_path / name).stat().st_size < 100_000
        found = read_checkpoint(tmp_path / name).state_dict
        assert all(torch.equal(found[key], weights[key]) for key in weights)


def test_refusals_leave_nothing_behind(tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match='must end in .pth'):
        write_checkpoint(tmp_path / 'a.zip', WEIGHTS, {})
    with pytest.raises(CheckpointError, match='has no place'):
        odd = {'a': torch.zeros(2, dtype=torch.complex64)}
        write_checkpoint(tmp_path / 'a.safetensors', odd, {})
    usage = namedtuple('usage', 'free')
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage(10))
    with pytest.raises(CheckpointError, match='the disk has 0.00 GB left'):
        write_checkpoint(tmp_path / 'a.pth', WEIGHTS, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_a_crash_keeps_the_old_file(tmp_path, monkeypatch, suffix):
    path = tmp_path / f'a{suffix}'
    path.write_bytes(b'old')

    def fail(*args):
        raise OSError('No space left on device')

    monkeypatch.setattr(torch, 'save', fail)
    monkeypatch.setattr(torch.Tensor, 'contiguous', fail)
    with pytest.raises(CheckpointError, match='No space left'):
        write_checkpoint(path, WEIGHTS, {})
    assert path.read_bytes() == b'old' and len(list(tmp_path.iterdir())) == 1
