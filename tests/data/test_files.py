"""Matching files by name, and the index of captures."""

import json

import pytest

from sapiens_mm.data.files import (
    FileKind,
    fill_pattern,
    match_files,
    read_capture_index,
)


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'')


def kinds(root, **changes):
    both = dict(
        image=FileKind(str(root / 'i'), ('.jpg', '.png')),
        label=FileKind(str(root / 'l'), ('.png',)),
    )
    return {**both, **changes}


def test_samples_are_sorted_and_the_rest_is_named(tmp_path):
    touch(tmp_path, 'i/b.jpg', 'i/a.PNG', 'i/sub/c.jpg', 'i/only.jpg', 'i/notes.txt')
    touch(tmp_path, 'l/sub/c.png', 'l/a.png', 'l/b.png', 'l/c.png', 'l/.hidden.png')
    matches = match_files(kinds(tmp_path))
    i, l = tmp_path / 'i', tmp_path / 'l'  # noqa: E741
    assert matches.samples == (
        dict(image=f'{i}/a.PNG', label=f'{l}/a.png'),
        dict(image=f'{i}/b.jpg', label=f'{l}/b.png'),
        dict(image=f'{i}/sub/c.jpg', label=f'{l}/sub/c.png'),
    )
    assert matches.unmatched == {
        'no image': (f'{l}/c.png',),
        'no label': (f'{i}/only.jpg',),
    }
    assert matches.num_unmatched == 2
    assert matches.summary() == (
        f'2 files left out: no image (1): {l}/c.png; no label (1): {i}/only.jpg'
    )
    assert matches.report().splitlines() == [
        f'{l}/c.png: no image',
        f'{i}/only.jpg: no label',
    ]


def test_three_kinds_and_long_lists(tmp_path):
    touch(tmp_path, *(f'i/{n}.jpg' for n in range(9)))
    touch(tmp_path, 'l/0.png', 'l/1.png', 'd/0.npy', 'd/2.npy')
    matches = match_files(
        kinds(tmp_path, depth=FileKind(str(tmp_path / 'd'), ('.npy',)))
    )
    assert [sample['depth'] for sample in matches.samples] == [f'{tmp_path}/d/0.npy']
    assert {reason: len(paths) for reason, paths in matches.unmatched.items()} == {
        'no depth': 2,
        'no label': 2,
        'no label and no depth': 6,
    }
    assert matches.summary().endswith(
        'no label and no depth (6): '
        + ', '.join(f'{tmp_path}/i/{n}.jpg' for n in (3, 4, 5))
        + ', …'
    )


def test_one_folder_for_both(tmp_path):
    touch(tmp_path, '1.png', '1_seg.png', '2.png', '3_seg.png', '1_ldmks.txt')
    image = FileKind(str(tmp_path), ('.png',))
    label = FileKind(f'{tmp_path}/', ('.png',), '_seg')
    matches = match_files(dict(image=image, label=label))
    (sample,) = matches.samples
    assert [sample[kind].rpartition('/')[2] for kind in sample] == [
        '1.png',
        '1_seg.png',
    ]
    assert set(matches.report().splitlines()) == {
        f'{tmp_path}/2.png: no label',
        f'{tmp_path}/3_seg.png: no image',
    }


def test_a_list_gives_the_order(tmp_path):
    touch(tmp_path, *(f'{folder}/{n}.png' for folder in 'il' for n in 'abc'))
    matches = match_files(kinds(tmp_path), listed=['c', 'a.png', 'gone'])
    assert [s['label'][-5:] for s in matches.samples] == ['c.png', 'a.png']
    assert matches.report() == 'gone (listed): no image and no label'


def test_nothing_to_match_is_an_error(tmp_path):
    touch(tmp_path, 'i/a.jpg', 'l/b.png')
    with pytest.raises(ValueError) as caught:
        match_files(kinds(tmp_path))
    assert str(caught.value) == (
        f'no sample is complete: found 1 of image in {tmp_path}/i, 1 of label in '
        f'{tmp_path}/l'
    )
    with pytest.raises(ValueError, match='no sample of the 1 listed is complete'):
        match_files(kinds(tmp_path), listed=['a'])
    with pytest.raises(ValueError, match=r'folder of depth files does not.*/nowhere'):
        depth = FileKind(str(tmp_path / 'nowhere'), ('.npy',))
        match_files(kinds(tmp_path, depth=depth))
    touch(tmp_path, 'i/a.png')
    with pytest.raises(ValueError, match=r'two image files have one name: .*a.jpg, '):
        match_files(kinds(tmp_path))


def test_index_is_sorted_as_strings(tmp_path):
    path = tmp_path / 'index.json'
    fields = ('sample_id', 'session_id', 'camera_id', 'frame_number')
    rows = [('x', 's2', 'c1', 1), ('y', 's1', 'c1', 9), ('z', 's1', 'c1', 10)]
    path.write_text(json.dumps([dict(zip(fields, row, strict=True)) for row in rows]))
    assert [record['sample_id'] for record in read_capture_index(path)] == list('zyx')
    record = read_capture_index(path)[0]
    assert fill_pattern('{session_id}/{frame_number:>04}.jpg', record) == 's1/0010.jpg'
    with pytest.raises(ValueError, match="asks for 'file', which the index lacks"):
        fill_pattern('{file}.jpg', record)
    for text, match in [
        ('{', r'index.json is not JSON'),
        ('{}', 'holds no list of samples'),
        ('[{"sample_id": "a"}]', 'sample 0: session_id is missing'),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=match):
            read_capture_index(path)
