"""Names of outputs: those of images, in linear time, and never ours."""

import time
from pathlib import Path

import pytest


@pytest.fixture(scope='module')
def output_names():
    from sapiens_mm.runs import output_names

    yield output_names.output_names


def of(output_names, photos, inputs=()):
    paths = [Path(photo) for photo in photos]
    names = output_names(paths, list(inputs))
    return [names[path] for path in paths]


def test_names_in_folders(output_names, tmp_path):
    (tmp_path / 'p/q').mkdir(parents=True)
    root, inner = str(tmp_path / 'p'), str(tmp_path / 'p/q')
    photos = [f'{root}/a.jpg', f'{inner}/b.c.png', 'elsewhere/d.jpg']
    assert of(output_names, photos, [root]) == ['a', 'q/b.c', 'd']
    # the first folder given that it is in
    assert of(output_names, photos, [inner, root]) == ['a', 'b.c', 'd']
    assert of(output_names, photos, [root, inner]) == ['a', 'q/b.c', 'd']


def test_equal_names(output_names):
    assert of(output_names, ['x/a.png', 'x/a.jpg', 'x/b.png']) == [
        'a_png',
        'a_jpg',
        'b',
    ]
    photos = ['x/a.png', 'y/a.png', 'z/a.png', 'x/a_png_2.png']
    assert of(output_names, photos) == ['a_png', 'a_png_2', 'a_png_3', 'a_png_2_2']


def test_some_disks_know_no_capitals(output_names):
    photos = ['x/a.JPG', 'x/A.jpg', 'x/\u00e9.png', 'x/e\u0301.png', 'x/b.png']
    names = of(output_names, photos)
    assert names[:2] == ['a_JPG', 'A_jpg_2'] and names[-1] == 'b'
    assert names[2] == '\u00e9_png' and names[3].endswith('_2')


def test_our_folders_and_files_are_left_alone(output_names, tmp_path):
    root = str(tmp_path)
    inside = 'persons/a.jpg Pictures/a.jpg palette/a.jpg relief/a.jpg clouds/a.jpg'
    photos = [f'{root}/{name}' for name in inside.split()]
    expected = ['persons_/a', 'Pictures_/a', 'palette_/a', 'relief_/a', 'clouds_/a']
    assert of(output_names, photos, [root]) == expected
    # that of image a, and the folder of another one
    assert of(output_names, [f'{root}/a.png', f'{root}/a.json/b.png'], [root]) == [
        'a',
        'a.json_/b',
    ]
    photos = [f'{root}/persons.jpg', f'{root}/settings.png', f'{root}/.sapiens_mm.png']
    assert of(output_names, photos, [root]) == ['persons', 'settings', '_.sapiens_mm']
    assert of(output_names, [f'{root}/../b.png'], [root]) == ['b']


@pytest.mark.parametrize('letter', ['x', '\u00e9'])
def test_long_names_leave_room_and_stay_apart(output_names, tmp_path, letter):
    count = 251 // len(letter.encode())
    long = [letter * (count - 1) + end for end in 'ab']
    photos = [f'{tmp_path}/{long[0]}/{name}.png' for name in long]
    names = of(output_names, photos, [str(tmp_path)])
    assert len(set(names)) == 2
    for name in names:
        folder, last = name.split('/')
        assert len(folder.encode()) <= 235 and len(last.encode()) <= 235
        assert last.startswith(letter * 100)
    again = of(output_names, photos[1:], [str(tmp_path)])
    assert again == names[1:]


def test_a_hundred_thousand_images(output_names, tmp_path):
    """Three minutes once."""
    paths = [tmp_path / f'{n % 300}' / f'{n:06d}.jpg' for n in range(50_000)]
    paths += [tmp_path / f'{n}' / 'same.jpg' for n in range(50_000)]
    started = time.perf_counter()
    names = output_names(paths, [])
    assert time.perf_counter() - started < 20
    assert len(set(names.values())) == 100_000
    assert names[paths[-1]] == 'same_jpg_50000'


def test_names_that_are_dots_alone(output_names):
    photos = [Path('in', name) for name in ('..jpg', '...jpg', 'a.jpg')]
    assert [*output_names(photos, ['in']).values()] == ['_.', '_..', 'a']
