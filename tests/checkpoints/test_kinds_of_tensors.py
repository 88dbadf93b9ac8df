"""Tensors that are not plain floats in the order of this machine: right or refused."""

import warnings
import zipfile

import pytest
import torch
from torch import nn

from sapiens_mm.checkpoints import CheckpointError, load_weights, read_checkpoint

WEIGHTS = {'weight': torch.arange(12.0).reshape(3, 4), 'bias': torch.ones(3)}


def with_weight(weight):
    return WEIGHTS | {'weight': weight}


def described(tensor):
    """Attributes of a tensor are saved with it."""
    tensor.note = 'mine'
    return tensor


@pytest.mark.parametrize(
    'weight',
    [
        described(nn.Parameter(WEIGHTS['weight'].clone())),
        described(WEIGHTS['weight'].clone()),
        WEIGHTS['weight'].T.contiguous().T,
        torch.stack([WEIGHTS['weight'], -WEIGHTS['weight']], 2)[..., 0],
        WEIGHTS['weight'].to(torch.float8_e4m3fn),
    ],
)
@pytest.mark.parametrize('is_zip', [True, False])
def test_tensors_that_are_read(weight, is_zip, tmp_path):
    if weight.dtype.itemsize == 1 and not is_zip:
        pytest.skip('old files hold no floats of 8 bits')
    path = tmp_path / 'a.pth'
    torch.save(with_weight(weight), path, _use_new_zipfile_serialization=is_zip)
    model = nn.Linear(4, 3)
    load_weights(model, path)
    torch.testing.assert_close(
        model.weight.detach(), WEIGHTS['weight'], atol=0.5, rtol=0
    )


def negated():
    return torch.imag(torch.complex(torch.zeros(3, 4), WEIGHTS['weight']).conj())


def quantized():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return torch.quantize_per_tensor(WEIGHTS['weight'], 0.1, 0, torch.qint8)


@pytest.mark.parametrize(
    ('make', 'match'),
    [
        (negated, 'negated or conjugated'),
        (quantized, r'its weight is no plain tensor \(qtensor\)'),
        (WEIGHTS['weight'].to_sparse, r'no plain tensor \(sparse_tensor\)'),
        (lambda: WEIGHTS['weight'].to('meta'), r'no plain tensor \(meta_tensor'),
        (lambda: WEIGHTS['weight'].to(torch.complex64), 'ComplexFloatStorage'),
        (
            lambda: torch.full((3, 4), float('nan')).to(torch.float8_e4m3fn),
            'weight holds NaN or Inf in 12 of 12',
        ),
    ],
)
def test_tensors_that_are_refused_by_their_kind(make, match, tmp_path):
    torch.save(with_weight(make()), tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match=match):
        load_weights(nn.Linear(4, 3), tmp_path / 'a.pth')


def test_files_of_a_big_endian_machine(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(WEIGHTS, path)
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in records.items():
            archive.writestr(name, b'big' if name.endswith('byteorder') else data)
    with pytest.raises(CheckpointError, match='big-endian machine'):
        read_checkpoint(path)
    torch.save(WEIGHTS, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    at = data.index(b'\x88', data.index(b'little_endian'))  # True
    path.write_bytes(data[:at] + b'\x89' + data[at + 1 :])
    with pytest.raises(CheckpointError, match='big-endian machine'):
        read_checkpoint(path)
