"""Tar shards: which samples, which bytes, and read as WebDataset reads them."""

import io
import json
import tarfile

import cv2
import numpy as np
import pytest

from sapiens_mm.files import write_atomically
from sapiens_mm.synth.dataset.files import file_of, record_of
from sapiens_mm.synth.dataset.records import sample_name
from sapiens_mm.synth.dataset.settings import DatasetSettings
from sapiens_mm.synth.dataset.shards import (
    Shard,
    plan_shards,
    read_shard,
    remove_empty_folders,
    remove_files,
    samples_in,
    write_shard,
)

SETTINGS = DatasetSettings(shares=(0.5, 0.25, 0.25), shard_size=3)


def fill(root, indices):
    """Files with their own names as content."""
    for index in indices:
        for kind in SETTINGS.kinds():
            path = file_of(root, kind, SETTINGS.split_of(index), index)
            write_atomically(path, f'{kind} {index}'.encode())
        write_atomically(record_of(root, index), f'{{"index":{index}}}'.encode())


def test_shards_fill_in_the_order_of_the_samples(tmp_path):
    shards = plan_shards(tmp_path, SETTINGS, 40)
    for split in ('train', 'val', 'test'):
        mine = [shard for shard in shards if shard.split == split]
        members = [index for shard in mine for index in shard.indices]
        assert members == [i for i in range(40) if SETTINGS.split_of(i) == split]
        assert {len(shard.indices) for shard in mine[:-1]} == {3}
        assert mine[1].path == tmp_path / 'shards' / f'{split}-00001.tar'
    # all but the last of a split stay as the set grows
    later = {shard.path: shard.indices for shard in plan_shards(tmp_path, SETTINGS, 90)}
    for shard in shards:
        assert later[shard.path][: len(shard.indices)] == shard.indices


def test_members_and_headers(tmp_path):
    fill(tmp_path, (2, 7))
    shard = Shard(tmp_path / 'shards' / 'a.tar', SETTINGS.split_of(2), (2, 7))
    assert SETTINGS.split_of(7) == shard.split
    write_shard(tmp_path, shard, SETTINGS)
    first = shard.path.read_bytes()
    with tarfile.open(shard.path) as tar:
        members = tar.getmembers()
        assert [m.name for m in members[:6]] == [
            '00000002.jpg',
            '00000002.labels.png',
            '00000002.instances.png',
            '00000002.depth.png',
            '00000002.normals.png',
            '00000002.json',
        ]
        assert tar.extractfile('00000007.depth.png').read() == b'depth 7'
        assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in members} == {
            (0, 0, 0, '', 0o644)
        }
    assert samples_in(shard.path) == {'00000002', '00000007'}
    write_shard(tmp_path, shard, SETTINGS)
    assert shard.path.read_bytes() == first
    found = dict(read_shard(shard.path))
    assert found['00000007']['json'] == b'{"index":7}'
    assert found['00000002']['labels.png'] == b'labels 2'
    assert samples_in(tmp_path / 'none.tar') == set()


def test_a_shard_grows_from_what_it_held(tmp_path):
    """The files of its first samples are gone by then."""
    path, split = tmp_path / 'shards' / 'a.tar', SETTINGS.split_of(2)
    fill(tmp_path, (2, 7))
    old = Shard(path, split, (2,))
    write_shard(tmp_path, old, SETTINGS)
    remove_files(tmp_path, old, SETTINGS)
    assert not file_of(tmp_path, 'image', split, 2).exists()
    assert record_of(tmp_path, 2).exists()
    write_shard(tmp_path, Shard(path, split, (2, 7)), SETTINGS)
    found = dict(read_shard(path))
    assert found['00000002']['jpg'] == b'image 2'
    assert found['00000007']['jpg'] == b'image 7'
    remove_files(tmp_path, Shard(path, split, (2, 7)), SETTINGS)
    remove_empty_folders(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['samples', 'shards']
    with pytest.raises(ValueError, match=r'is gone, and .*a\.tar has no'):
        write_shard(tmp_path, Shard(path, split, (2, 7, 9)), SETTINGS)
    assert samples_in(path) == {'00000002', '00000007'}
    assert [p.name for p in path.parent.iterdir()] == ['a.tar']


def test_rendered_shards_hold_the_files_of_the_folders(synth_folder, synth_settings):
    seen = []
    for shard in plan_shards(synth_folder, synth_settings, 8):
        content = dict(read_shard(shard.path))
        assert list(content) == [sample_name(index) for index in shard.indices]
        for index in shard.indices:
            files = content[sample_name(index)]
            image = file_of(synth_folder, 'image', shard.split, index).read_bytes()
            assert files['jpg'] == image
            record = json.loads(files['json'])
            assert record == json.loads(record_of(synth_folder, index).read_bytes())
            labels = cv2.imdecode(
                np.frombuffer(files['labels.png'], np.uint8), cv2.IMREAD_UNCHANGED
            )
            counts = np.bincount(labels.ravel(), minlength=28).tolist()
            assert counts == record['class_pixels']
            seen.append(index)
    assert sorted(seen) == list(range(8))


def test_a_tar_reader_that_streams_takes_them(synth_folder):
    """WebDataset reads without seeking."""
    data = (synth_folder / 'shards' / 'train-00000.tar').read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data), mode='r|') as tar:
        names = [member.name for member in tar]
    assert [name.partition('.')[2] for name in names[:7]] == [
        *('jpg', 'labels.png', 'instances.png', 'depth.png', 'normals.png'),
        *('normals_bump.png', 'json'),
    ]
    assert len(names) == 7 * 3
