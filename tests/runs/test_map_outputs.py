"""Masks, tiles, files and clouds of depth and normals, as a user asks for them."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from sapiens_mm.apis import DepthInferencer, SegInferencer
from sapiens_mm.saving.maps import read_saved_map
from sapiens_mm.testing import fake_person_image


@pytest.fixture(scope='module')
def demo():
    from sapiens_mm.cli import image as image_demo
    from sapiens_mm.runs import image_run as demo_run

    yield image_demo, demo_run


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    (folder / 'sub').mkdir(parents=True)
    for index, name in enumerate(['a.png', 'sub/b.png']):
        photo = fake_person_image(index, (80, 60 + index))
        cv2.imwrite(str(folder / name), photo)
    return folder


def call(demo, *argv):
    return demo[0].main([str(a) for a in (*argv, '--device', 'cpu')])


def of(models, task):
    config, checkpoint = models[task]
    return '--config', config, '--checkpoint', checkpoint


def vertices(path):
    """Comments, count and names of the properties of a PLY file."""
    head, _, body = path.read_bytes().partition(b'end_header\n')
    lines = head.decode().splitlines()
    count = next(int(line.split()[2]) for line in lines if line.startswith('element'))
    names = [line.split()[2] for line in lines if line.startswith('property')]
    size = sum(1 if 'uchar' in line else 4 for line in lines if 'property' in line)
    assert len(body) == count * size
    return [line for line in lines if line.startswith('comment')], count, names


def test_masks_by_a_model(demo, models, photos, tmp_path, capsys):
    out = tmp_path / 'out'
    config, checkpoint = models['seg']
    argv = (photos, *of(models, 'depth'), '--out-dir', out)
    argv += ('--seg-checkpoint', checkpoint, '--seg-config', config)
    assert call(demo, *argv, '--map-format', 'png', '--ply', 'step=2') == 0
    assert f'masks   {out / "masks"}' in capsys.readouterr().out
    for name in ('a', 'sub/b'):
        image = cv2.imread(str(photos / f'{name}.png'))
        expected = SegInferencer(config, checkpoint, device='cpu')(image).labels > 0
        mask = cv2.imread(str(out / f'masks/{name}.png'), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, expected * np.uint8(255))
        depth, facts = read_saved_map(out / f'depth/{name}.png')
        np.testing.assert_array_equal(np.isfinite(depth), expected)
        assert facts['mask_from'] == 'caller' and facts['pixels'] == 'people'
        raw = DepthInferencer(*models['depth'], device='cpu')(image).depth
        np.testing.assert_allclose(
            depth[expected], raw[expected], atol=facts['scale'] * 0.51
        )
        comments, count, _ = vertices(out / f'depth/clouds/{name}.ply')
        assert count == expected[::2, ::2].sum()
        assert any('RELATIVE' in line for line in comments)
    # again: nothing is done twice
    before = {p: p.stat().st_mtime_ns for p in out.rglob('*.*')}
    assert call(demo, *argv, '--map-format', 'png', '--ply', 'step=2') == 0
    assert before == {p: p.stat().st_mtime_ns for p in out.rglob('*.*')}
    assert '2 results were there already' in capsys.readouterr().out
    # clouds of other options are made anew, their depth is not
    assert call(demo, *argv, '--map-format', 'png', '--ply', 'focal_px=80') == 0
    assert '2 results were there already' in capsys.readouterr().out
    comments, _, _ = vertices(out / 'depth/clouds/a.ply')
    assert 'comment focal length 80 pixels, given' in comments


def test_an_empty_mask_is_told_and_goes_through(demo, models, photos, tmp_path, capsys):
    masks = tmp_path / 'masks'
    (masks / 'sub').mkdir(parents=True)
    cv2.imwrite(str(masks / 'a.png'), np.zeros((80, 60), np.uint8))
    np.save(masks / 'sub/b.npy', np.ones((80, 61), bool))
    out = tmp_path / 'out'
    argv = (photos, *of(models, 'depth'), '--mask', masks, '--out-dir', out)
    assert call(demo, *argv, '--map-format', 'png', '--ply', '--tile', '48') == 0
    shown = capsys.readouterr().out
    assert f'nobody in the mask of 1 images: {photos / "a.png"}' in shown
    assert vertices(out / 'depth/clouds/a.ply')[1] == 0
    assert vertices(out / 'depth/clouds/sub/b.ply')[1] == 80 * 61
    assert np.isnan(read_saved_map(out / 'depth/a.png')[0]).all()
    assert json.loads((out / 'depth/a.png.json').read_text())['people_pixels'] == 0
    picture = cv2.imread(str(out / 'depth/pictures/a.jpg'))
    assert abs(int(picture[:, :55].mean()) - 100) <= 2


def test_clouds_with_normals(demo, models, photos, tmp_path, monkeypatch):
    jobs = [demo[1].Job(task, *models[task]) for task in ('depth', 'normal')]
    monkeypatch.setattr(demo[1], 'plan_jobs', lambda args: jobs)
    out = tmp_path / 'out'
    argv = (photos / 'a.png', '--out-dir', out, '--map-format', 'exr')
    pytest.importorskip('OpenEXR')
    assert call(demo, *argv, '--ply') == 0
    _, count, names = vertices(out / 'depth/clouds/a.ply')
    assert names[3:6] == ['nx', 'ny', 'nz'] and 0 < count <= 80 * 60
    normals, facts = read_saved_map(out / 'normal/a.exr')
    assert normals.shape == (80, 60, 3) and facts['kind'] == 'normal'


def test_tiles_change_the_result_and_are_recorded(demo, models, photos, tmp_path):
    out = tmp_path / 'out'
    argv = (photos / 'a.png', *of(models, 'normal'), '--out-dir', out)
    assert call(demo, *argv) == 0
    plain, facts = read_saved_map(out / 'normal/a.npy')
    assert facts['tiles'] == 0
    assert call(demo, *argv, '--tile', '48', '--tile-overlap', '0.3') == 0
    tiled, facts = read_saved_map(out / 'normal/a.npy')
    # 1 + 32 / 33.6, rounded up, rows and 1 + 24 / 25.2 columns
    assert facts['tiles'] == 2 * 2
    assert not np.allclose(plain, tiled, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(tiled, axis=2), 1, atol=1e-3)


@pytest.mark.parametrize(
    ('argv', 'match'),
    [
        (['--tile', '4'], 'tile must be the height'),
        (['--tile', '48', '--tile-overlap', '0.9'], 'tile_overlap must be 0.1 to'),
        (['--ply', 'fov=60'], '--ply takes focal_px, fov_deg, max_jump, near'),
        (['--ply', 'near'], "--ply takes KEY=VALUE like fov_deg=55, got 'near'"),
        (['--ply', 'near=-1'], 'near must be a number above 0'),
        (['--seg-config', 'x'], '--seg-config goes with --seg-checkpoint'),
        (['--seg-checkpoint', 'DEPTH'], 'masks need a model of body parts'),
        (['--seg-checkpoint', 'DEPTH', '--mask', 'seg'], 'needs the task'),
    ],
)
def test_wrong_calls_are_one_sentence(demo, models, tmp_path, capsys, argv, match):
    argv = [models['depth'][1] if word == 'DEPTH' else word for word in argv]
    photo = tmp_path / 'a.png'
    cv2.imwrite(str(photo), fake_person_image(0, (80, 60)))
    code = call(demo, photo, *of(models, 'depth'), '--out-dir', tmp_path / 'o', *argv)
    shown = capsys.readouterr()
    assert code == 2 and match in shown.err
    assert 'Traceback' not in shown.err


def test_clouds_need_depth(demo, models, photos, tmp_path, capsys):
    argv = (photos, *of(models, 'normal'), '--out-dir', tmp_path / 'o', '--ply')
    assert call(demo, *argv) == 2
    assert "--ply needs the task 'depth'" in capsys.readouterr().err
