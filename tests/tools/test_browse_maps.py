"""sapiens browse on depth and normals, and what it says of their axes."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools'))
sys.path.insert(0, str(Path(__file__).parents[1] / 'geometry'))

from scenes import draw_scene, draw_sphere, write_scenes
from tiny_runs import map_config

from sapiens_mm.cli import browse as browse_dataset
from sapiens_mm.geometry.axes import parse_axes, sphere_normals
from sapiens_mm.visualization import colorize_normals

HW = (128, 96)


def write_config(tmp_path, kind, scenes, augment=False, **options):
    root = write_scenes(tmp_path / 'data', scenes, kind)
    cfg = map_config(root, kind, input_hw=HW, augment=augment)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.update(options)
    cfg.dump(tmp_path / 'config.py')
    return str(tmp_path / 'config.py')


def browse(capsys, *argv):
    code = browse_dataset.main(list(map(str, argv)))
    shown = capsys.readouterr()
    return code, shown.out + shown.err


def test_a_sphere_beside_the_sphere(tmp_path, capsys):
    """A drawn sphere as large as the viewer's has its very colours."""
    size = HW[0] // 2
    centre = ((HW[1] - 1) / 2, (HW[0] - 1) / 2)
    sphere = draw_sphere(HW, centre, size / 2)
    config = write_config(tmp_path, 'normal', [sphere])
    code, text = browse(capsys, config, '--count', 1, '--out-dir', tmp_path / 'out')
    assert code == 0, text
    assert "axes='xyz' fit: normals face the camera" in text
    picture = cv2.imread(str(tmp_path / 'out' / '0000.png'))
    width, gap = HW[1], 4
    # image, colours, light, input, colours, light; the sphere, over itself in light
    assert picture.shape == (HW[0], 6 * (width + gap) + size, 3)
    panels = [picture[:, i * (width + gap) :][:, :width] for i in range(6)]
    column = picture[:, -size:]
    np.testing.assert_array_equal(panels[0], sphere.photo)
    top, left = (HW[0] - size) // 2, (width - size) // 2
    inside = sphere_normals(size).any(2)
    for panel, shown in (
        (panels[1], column[:size]),
        (panels[2], column[size:]),
        (panels[4], column[:size]),
        (panels[5], column[size:]),
    ):
        crop = panel[top : top + size, left : left + size]
        assert np.abs(crop[inside].astype(int) - shown[inside]).max() <= 1
    np.testing.assert_array_equal(
        column[:size][inside], colorize_normals(sphere_normals(size))[inside]
    )
    lit = column[size:, :, 0]
    assert lit[size // 4, size // 4] > 230  # from the upper left
    assert lit[3 * size // 4, 3 * size // 4] < 100


@pytest.mark.parametrize(
    ('stored', 'stated', 'words'),
    [
        ('zyx', 'zyx', "axes='zyx' fit: normals face"),
        ('xyz', 'x -y z', "axes='x -y z' do NOT fit; try axes='x y z'"),
        ('-y x z', 'xyz', "axes='xyz' do NOT fit; try axes='-y x z'"),
    ],
)
def test_wrong_axes_are_noticed(tmp_path, capsys, stored, stated, words):
    scenes = [draw_scene(seed, HW) for seed in range(4)]
    config = write_config(tmp_path, 'normal', scenes, axes=stated)
    for path in (tmp_path / 'data' / 'normal').glob('*.npy'):
        np.save(path, np.load(path) @ parse_axes(stored))
    for split in ('train', 'val'):
        code, text = browse(
            capsys, config, '--count', 4, '--split', split, '--out-dir', tmp_path / 'o'
        )
        assert code == 0, text
        assert words in text


def test_depth_is_bright_where_it_is_near(tmp_path, capsys):
    scenes = [draw_scene(seed, HW) for seed in range(2)]
    config = write_config(tmp_path, 'depth', scenes)
    out = tmp_path / 'out'
    code, text = browse(capsys, config, '--split', 'val', '--out-dir', out)
    assert code == 0, text
    share = np.mean([(scene.mask > 0).mean() for scene in scenes])
    assert f'{share:.0%} of the pixels are people in the mean' in text
    picture = cv2.imread(str(out / '0001.png'))
    width, gap = HW[1], 4
    target = picture[:, 3 * (width + gap) :]
    depth = np.where(scenes[1].mask > 0, scenes[1].depth, np.nan)
    near = np.unravel_index(np.nanargmin(depth), HW)
    far = np.unravel_index(np.nanargmax(depth), HW)
    assert target[near].sum() > 500 > 100 > target[far].sum()
    assert (target[scenes[1].mask == 0] == 100).all()  # grey


def test_bad_samples_are_counted(tmp_path, capsys):
    scenes = [draw_scene(seed, HW) for seed in range(3)]
    config = write_config(tmp_path, 'depth', scenes)
    bad = tmp_path / 'data' / 'depth' / '001.npy'
    np.save(bad, np.load(bad) * np.nan)
    options = ('--count', 3, '--out-dir', tmp_path / 'o')
    for split in ('train', 'val'):
        code, text = browse(capsys, config, '--split', split, '--skip-bad', *options)
        assert code == 0, text
        assert '1 bad samples skipped' in text
    code, text = browse(capsys, config, *options)
    assert code == 2
    assert f'error: {bad} holds NaN on people' in text
