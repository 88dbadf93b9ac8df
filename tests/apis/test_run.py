import itertools

import numpy as np
import pytest

pytest.importorskip('mmseg')

import cv2

from sapiens_mm.apis import DepthInferencer
from sapiens_mm.testing import fake_person_image


@pytest.fixture(scope='module')
def depth(tiny):
    return DepthInferencer(*tiny('depth'), device='cpu', batch_size=2)


@pytest.fixture
def folder(tmp_path):
    for index in range(3):
        path = tmp_path / f'{index}.png'
        cv2.imwrite(str(path), fake_person_image(index, (40 + index, 30)))
    (tmp_path / '1.jpg').write_bytes(b'broken')
    return tmp_path


def test_one_in_one_out_and_list_in_list_out(depth, folder):
    single = depth(str(folder / '0.png'))
    assert single.depth.shape == (40, 30) and single.source == folder / '0.png'
    results = depth([folder / '0.png'])
    assert isinstance(results, list) and len(results) == 1
    np.testing.assert_allclose(results[0].depth, single.depth, atol=1e-5)


def test_bad_inputs_become_results_with_error(depth, folder):
    results = list(depth.run(folder))
    assert [r.source.name for r in results] == ['0.png', '1.jpg', '1.png', '2.png']
    assert [r.error is None for r in results] == [True, False, True, True]
    bad = results[1]
    assert bad.depth is None and bad.image_hw is None
    assert str(folder / '1.jpg') in bad.error and '\n' not in bad.error
    assert [r.image_hw for r in results if not r.error] == [
        (40, 30),
        (41, 30),
        (42, 30),
    ]


def test_a_single_bad_input_raises(depth, folder):
    with pytest.raises(ValueError, match='not an image'):
        depth(folder / '1.jpg')
    with pytest.raises(ValueError, match='does not exist'):
        depth(folder / 'none.png')


def test_streams_are_read_as_they_come(depth):
    taken = []

    def camera():
        for index in itertools.count():
            taken.append(index)
            yield fake_person_image(index, (20, 20))

    stream = depth.run(camera())
    first = list(itertools.islice(stream, 3))
    assert all(r.error is None for r in first)
    assert len(taken) <= 8
    stream.close()


def test_options_go_with_their_images(depth):
    photos = [fake_person_image(i, (20, 20 + i)) for i in range(3)]
    masks = [np.ones((20, 20), bool), None, np.ones((3, 3), bool)]
    results = list(depth.run(photos, mask=masks))
    assert results[0].mask.all() and results[1].mask is None
    assert 'expected (20, 22)' in results[2].error


def test_progress_shows_rate_and_total(depth, folder, capsys):
    assert len(list(depth.run(folder, progress=True))) == 4
    shown = capsys.readouterr().err
    assert '4/4' in shown and 'image' in shown


def test_options_must_match_the_images(depth):
    photos = [fake_person_image(i, (20, 20)) for i in range(2)]
    with pytest.raises(ValueError, match='mask has 1 entries for 2 images'):
        depth(photos, mask=[None])
    with pytest.raises(ValueError, match='must be a list .* got ndarray'):
        depth(photos, mask=np.ones((2, 20)))
