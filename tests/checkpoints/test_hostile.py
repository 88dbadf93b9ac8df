"""Files made to hang, to fill the memory or to pass for weights: one sentence each."""

import io
import json
import pickletools
import stat
import struct
import time
import zipfile

import numpy as np
import pytest
import torch
from checkpoint_util import tiny_weights

from sapiens_mm.checkpoints import (
    CheckpointError,
    load_into_new,
    load_weights,
    read_checkpoint,
    resolve,
    write_checkpoint,
)

WEIGHTS = {'a': torch.ones(1000), 'b': torch.arange(3.0)}


def refused(path, match):
    started = time.process_time()
    with pytest.raises(CheckpointError, match=match) as caught:
        read_checkpoint(path)
    assert time.process_time() - started < 2
    text = str(caught.value)
    assert '\n' not in text and text.endswith('.') and 'Traceback' not in text


def rezip(path, edit=lambda name, data: (name, data), compression=zipfile.ZIP_STORED):
    """Write a torch zip anew."""
    with zipfile.ZipFile(path) as archive:
        records = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, 'w', compression) as archive:
        for name, data in records:
            name, data = edit(name, data)
            archive.writestr(name, data)


def only(ending, change):
    return lambda name, data: (name, change(data) if name.endswith(ending) else data)


@pytest.mark.parametrize(
    ('edit', 'match'),
    [
        (only('data/0', lambda data: data[:-4]), 'data/0 has 3996 bytes, not the 1000'),
        (only('data/0', lambda data: data + b'abcd'), 'data/0 has 4004 bytes'),
        (only('data/0', lambda data: b''), 'data/0 has 0 bytes'),
        (only('data/1', lambda data: b''), 'data/1 has 0 bytes'),
    ],
)
def test_records_are_whole(edit, match, tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(WEIGHTS, path)
    rezip(path, edit)
    refused(path, match)


def test_records_are_stored_plain_and_once(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(WEIGHTS, path)
    rezip(path, compression=zipfile.ZIP_DEFLATED)
    refused(path, 'its tensors are compressed')

    def as_link(name, data):
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        return (info if name.endswith('data/0') else name), data

    torch.save(WEIGHTS, path)
    rezip(path, as_link)
    refused(path, 'data/0 is a link')
    torch.save(WEIGHTS, path)
    with zipfile.ZipFile(path, 'a') as archive, pytest.warns(UserWarning):
        name = next(n for n in archive.namelist() if n.endswith('data/0'))
        archive.writestr(name, b'\0' * 4000)
    refused(path, 'two records of one name')


def test_records_share_no_bytes(tmp_path):
    """The directory points two names to one record."""
    path = tmp_path / 'a.pth'
    torch.save({'a': torch.ones(64), 'b': torch.zeros(64)}, path)
    rezip(path)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].partition('/')[0]
        first = archive.getinfo(f'{root}/data/0').header_offset
        second = archive.getinfo(f'{root}/data/1').header_offset
    directory = data.rfind(f'{root}/data/1'.encode())
    assert struct.unpack_from('<I', data, directory - 4)[0] == second
    struct.pack_into('<I', data, directory - 4, first)
    path.write_bytes(data)
    refused(path, 'is damaged|share bytes')


# a long list, and a copy of it again and again
SIZES = b']q\0(' + b'K\1' * 200_000 + b'ectorch\nSize\nq\1'
SIZES += b'0h\1h\0\x85R' * 50_000 + b'.'
NESTED = b')' + b'2\x86' * 34  # a tuple of two of a tuple of two …


@pytest.mark.parametrize(
    'program',
    [
        NESTED + b')\x81.',  # as a class
        b'(' + NESTED + b'o.',
        NESTED + b')R.',  # as a function
        b'}' + NESTED + b'K\x01s.',  # as a key
        b'}(' + NESTED + b'K\x01u.',
        b'(' + NESTED + b'K\x01d.',
        b'\x8f(' + NESTED + b'\x90.',  # in a set
        b'(' + NESTED + b'\x91.',
        NESTED + b'Q.',  # as the id of a storage
        NESTED + NESTED + b'\x93.',  # as a name
        b'N0' * 3_000_000 + b'N.',
        SIZES,
        b']q\0h\0a.',  # a list in itself
        b'\x8d' + struct.pack('<Q', 2**60) + b'abc.',
        b'cos\nsystem\n(S"touch RAN"\ntR.',
    ],
    ids=lambda program: repr(program[:12]),
)
@pytest.mark.parametrize('place', ['plain', 'zip', 'legacy'])
def test_pickles_end(program, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'a.pth'
    pickle = b'\x80\x04' + program
    if place == 'plain':
        path.write_bytes(pickle)
    elif place == 'zip':
        torch.save(WEIGHTS, path)
        rezip(path, only('data.pkl', lambda _: pickle))
    else:
        torch.save(WEIGHTS, path, _use_new_zipfile_serialization=False)
        buffer = io.BytesIO(path.read_bytes())
        for _ in range(3):  # magic, version, system
            for _ in pickletools.genops(buffer):
                pass
        path.write_bytes(path.read_bytes()[: buffer.tell()] + pickle)
    refused(path, 'Cannot load')
    assert not (tmp_path / 'RAN').exists()


def safetensors(path, header, data=b''):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack('<Q', len(text)) + text + data)
    return path


def entry(start, end, shape=(2,), dtype='F32'):
    return dict(dtype=dtype, shape=list(shape), data_offsets=[start, end])


@pytest.mark.parametrize(
    ('header', 'match'),
    [
        (dict(a=entry(0, 8), b=entry(4, 12)), 'a and b share bytes'),
        (dict(a=entry(-8, 0)), 'the place of a'),
        (dict(a=entry(8, 0)), 'the place of a'),
        (dict(a=entry(0, 80, (20,))), 'so it is truncated'),
        (dict(a=entry(0, 8, (-2, -1))), 'shape that cannot be'),
        (dict(a=entry(0, 8, (True, 2))), 'shape that cannot be'),
        (dict(a=entry(0, 0, (2**62, 0))), 'shape that cannot be'),
        (dict(a=entry(0, 8, (1.0, 2))), 'shape that cannot be|damaged'),
        (dict(a=entry(0, 8, (3,))), 'the size of a'),
        (dict(a=entry(0, 8, dtype='F7')), 'of type F7'),
        (dict(a=entry(0, '8')), 'damaged'),
        (dict(a=[1]), 'damaged'),
        (dict(__metadata__=[1]), 'damaged|no weights'),
        (b'{"a":{},"a":{}}', 'a name stands in it twice'),
        (b'{"a":' + b'[' * 100_000 + b']' * 100_000 + b'}', 'nested too deep'),
        (b'{', 'damaged'),
        (b'[]', 'damaged|no known format'),
    ],
)
def test_headers_of_safetensors(header, match, tmp_path):
    refused(safetensors(tmp_path / 'a.safetensors', header, bytes(12)), match)


def test_names_that_cannot_be():
    for name in ('x' * 300 + '.pth', 'x/' * 3000, 'a\0b.pth'):
        for look in (read_checkpoint, resolve):
            with pytest.raises(CheckpointError) as caught:
                look(name)
            assert len(str(caught.value)) < 400


class Model(torch.nn.Module):
    """Two weights and a counter."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(4))
        self.bias = torch.nn.Parameter(torch.zeros(4))
        self.register_buffer('count', torch.zeros((), dtype=torch.long))


def state(**changes):
    whole = dict(weight=torch.ones(4), bias=torch.ones(4), count=torch.tensor(3))
    return {**whole, **changes}


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        (
            dict(weight=torch.tensor([1, 2, 3, float('nan')])),
            'weight holds NaN or Inf',
        ),
        (dict(bias=torch.full((4,), float('-inf'))), 'bias holds NaN or Inf in 4 of 4'),
        (dict(weight=torch.ones(4, dtype=torch.int8)), 'weight holds int8, expected'),
        (dict(bias=torch.ones(4, dtype=torch.bool)), 'bias holds bool, expected'),
    ],
)
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_weights_are_finite_floats(change, match, suffix, tmp_path):
    path = tmp_path / f'a{suffix}'
    write_checkpoint(path, state(**change), {})
    with pytest.raises(CheckpointError, match=match):
        load_into_new(Model, path)
    model = Model()
    with pytest.raises(CheckpointError, match=match):
        load_weights(model, path)
    assert not model.weight.any() and not model.bias.any()  # nothing was written
    write_checkpoint(path, state(), {})
    loaded, _ = load_into_new(Model, path)
    assert loaded.count == 3 and loaded.weight.sum() == 4


def test_numbers_that_a_half_float_cannot_hold(tmp_path):
    path = tmp_path / 'a.pth'
    write_checkpoint(path, state(weight=torch.full((4,), 1e5)), {})
    with pytest.raises(CheckpointError, match='weight are too large for float16'):
        load_into_new(Model, path, dtype=torch.float16)
    model, _ = load_into_new(Model, path, dtype=torch.bfloat16)
    assert torch.isfinite(model.weight).all()


def test_whole_files_still_load(tmp_path):
    weights = tiny_weights()
    for zipped in (True, False):
        torch.save(weights, tmp_path / 'a.pth', _use_new_zipfile_serialization=zipped)
        found = read_checkpoint(tmp_path / 'a.pth').state_dict
        assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_arrays_beside_the_weights_are_read_as_numbers(tmp_path):
    arrays = [
        np.zeros(0, np.uint8),
        np.zeros((0, 3), np.uint8),
        np.float32([[1, 2], [3, 4]]),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array([True, False]),
        np.array(2.5),
    ]
    path = tmp_path / 'a.pth'
    for zipped in (True, False):
        torch.save(
            dict(state_dict=WEIGHTS, meta=dict(arrays=arrays, scalar=np.float32(0.5))),
            path,
            _use_new_zipfile_serialization=zipped,
        )
        meta = read_checkpoint(path).meta
        found = [each.tolist() for each in meta['arrays']]
        assert found == [each.tolist() for each in arrays]
        assert meta['scalar'].tolist() == 0.5
