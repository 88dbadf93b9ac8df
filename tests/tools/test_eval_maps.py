"""sapiens eval-maps: folders of every format, bad files, wrong calls."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from sapiens_mm.cli import eval_maps  # noqa: E402
from sapiens_mm.geometry import align_depth, depth_errors, normal_errors  # noqa: E402
from sapiens_mm.geometry.map_errors import angles_between  # noqa: E402

ROOT = Path(__file__).parents[2]

HW = (24, 18)


def run(*args):
    return eval_maps.main([str(arg) for arg in args])


def printed(capsys):
    """Figures that the tool printed, by name."""
    lines = capsys.readouterr().out.splitlines()
    figures = {}
    for line in lines:
        name, _, value = line.partition(' ')
        if name.startswith(('depth/', 'normal/')) and 'protocol' not in name:
            figures[name] = float(value)
    return figures


@pytest.fixture
def depths(tmp_path):
    """Three images, one of them in a sub-folder: metres, predictions, masks."""
    rng = np.random.default_rng(0)
    images = {}
    for stem in ('a', 'b.1', 'sub/c'):
        truth = rng.uniform(1, 3, HW)
        pred = (truth - 1) / 2 + rng.normal(0, 0.05, HW)
        mask = rng.uniform(size=HW) < 0.5
        images[stem] = (pred.astype(np.float32), truth.astype(np.float32), mask)
        for folder, values in zip(('pred', 'gt'), images[stem], strict=False):
            path = tmp_path / folder / f'{stem}.npy'
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, values)
        path = tmp_path / 'mask' / f'{stem}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), mask.astype(np.uint8) * 255)
    return tmp_path, images


def folders(root):
    return '--pred', root / 'pred', '--gt', root / 'gt', '--mask', root / 'mask'


def test_depth_folders(depths, capsys):
    root, images = depths
    out = root / 'scores.json'
    assert run('depth', *folders(root), '--protocol', 'david', '--out', out) == 0
    each = [
        depth_errors(align_depth(pred, truth, mask).depth, truth, mask)
        for pred, truth, mask in images.values()
    ]
    got = printed(capsys)
    for name in each[0]:
        expected = np.mean([errors[name] for errors in each])
        assert got[f'depth/{name}'] == pytest.approx(expected, rel=1e-4)
    saved = json.loads(out.read_text())
    assert [image['name'] for image in saved['images']] == list(images)
    assert saved['images'][1]['figures'] == pytest.approx(each[1])


def test_options_replace_choices_of_the_preset(depths, capsys):
    root, images = depths
    options = ('--align', 'scale', '--space', 'depth', '--clip', 'none')
    assert run('depth', *folders(root), *options, '--fit', 'median') == 0
    expected = np.mean(
        [
            depth_errors(
                align_depth(pred, truth, mask, 'scale', fit='median').depth, truth, mask
            )['rmse']
            for pred, truth, mask in images.values()
        ]
    )
    assert printed(capsys)['depth/rmse'] == pytest.approx(expected, rel=1e-4)
    flat = folders(root)[:4]
    assert run('depth', *flat, '--pixels', 'all', '--average', 'pooled') == 0
    assert printed(capsys)['depth/num_images'] == 3


def test_png_and_other_sizes(depths, capsys):
    root, images = depths
    for stem, (pred, truth, _) in images.items():
        for folder, values in (('pred', pred + 1), ('gt', truth)):
            path = root / folder / f'{stem}.npy'
            path.unlink()
            stored = np.rint(values * 10_000).astype(np.uint16)
            cv2.imwrite(str(path.with_name(path.stem + '.png')), stored)
    scales = ('--gt-scale', '0.0001', '--pred-scale', '0.0001')
    assert run('depth', *folders(root), '--protocol', 'david', *scales) == 0
    errors = [
        depth_errors(align_depth(pred, truth, mask).depth, truth, mask)['rmse']
        for pred, truth, mask in images.values()
    ]
    assert printed(capsys)['depth/rmse'] == pytest.approx(np.mean(errors), rel=1e-3)
    assert run('depth', *folders(root)) == 2  # what are the numbers of a PNG?
    assert 'state' in capsys.readouterr().err


def test_normals_and_their_axes(tmp_path, capsys):
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(*HW, 3)) + (0, 0, 2)
    truth /= np.linalg.norm(truth, axis=2, keepdims=True)
    pred = truth + rng.normal(0, 0.2, truth.shape)
    for folder, values in (('pred', pred * (1, -1, -1)), ('gt', truth)):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / 'a.npz', normal=values.astype(np.float32))
        # a drawing beside the data is not taken for it
        cv2.imwrite(str(tmp_path / folder / 'a.png'), np.zeros((*HW, 3), np.uint8))
    flat = folders(tmp_path)[:4]
    options = ('--pixels', 'all', '--pred-axes', 'opencv')
    assert run('normal', *flat, *options) == 0
    expected = normal_errors(angles_between(pred, truth))
    got = printed(capsys)
    for name, value in expected.items():
        assert got[f'normal/{name}'] == pytest.approx(value, rel=1e-4)
    assert run('normal', *flat, '--pixels', 'all') == 0
    assert "agree far better as pred_axes='x -y -z'" in capsys.readouterr().out


def test_bad_files_are_named_and_the_rest_is_scored(depths, capsys):
    root, images = depths
    rng = np.random.default_rng(2)
    extra = rng.uniform(1, 2, HW).astype(np.float32)
    for stem in ('broken', 'lost', 'nan', 'size', 'dark', 'maskless', 'rgb'):
        np.save(root / 'gt' / f'{stem}.npy', extra)
        np.save(root / 'pred' / f'{stem}.npy', extra)
        cv2.imwrite(str(root / 'mask' / f'{stem}.png'), np.full(HW, 255, np.uint8))
    (root / 'pred/broken.npy').write_bytes(b'no array')
    (root / 'pred/lost.npy').unlink()
    np.save(root / 'pred/nan.npy', np.where(extra > 1.5, np.nan, extra))
    cv2.imwrite(str(root / 'mask/size.png'), np.full((9, 9), 255, np.uint8))
    cv2.imwrite(str(root / 'mask/dark.png'), np.zeros(HW, np.uint8))
    (root / 'mask/maskless.png').unlink()
    np.save(root / 'pred/rgb.npy', np.dstack([extra] * 3))
    np.save(root / 'pred/nobody.npy', extra)
    assert run('depth', *folders(root)) == 1
    out, err = capsys.readouterr()
    for words in (
        f'{root / "pred/broken.npy"} ',
        f'{root / "pred"} has no prediction lost',
        'nan: prediction not finite on',
        'size: the mask has shape (9, 9)',
        'dark: no valid pixel',
        f'{root / "mask"} has no mask maskless',
        f'{root / "pred/rgb.npy"} has shape (24, 18, 3)',
        '1 predictions have no ground truth',
    ):
        assert words in err
    assert 'depth/num_images 3' in out and 'depth/num_left_out 2' in out


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (('--gt', 'none'), 'none is not a folder'),
        (('--gt', 'empty'), 'empty has no file of .npy'),
        (('--pixels', 'human'), 'human pixels need --mask'),
        (('--protocol', 'midas'), 'protocol must be one of sapiens, david, raw'),
        (('--clip', '0.5'), 'clip must be a number above 1'),
        (('--out', 'scores.txt'), 'must end in .json'),
    ],
)
def test_wrong_calls(depths, args, message, capsys, monkeypatch):
    root, _ = depths
    (root / 'empty').mkdir()
    monkeypatch.chdir(root)
    options = {'--pred': 'pred', '--gt': 'gt', '--pixels': 'all', args[0]: args[1]}
    assert run('depth', *[word for pair in options.items() for word in pair]) == 2
    assert message in capsys.readouterr().err


def test_as_a_command(depths):
    root, _ = depths
    command = [sys.executable, str(ROOT / 'tools/eval_maps.py'), 'depth']
    done = subprocess.run(
        [*command, *map(str, folders(root))], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert 'Depth, protocol sapiens (pixels=human' in done.stdout
    wrong = subprocess.run([*command, '--pred', 'x'], capture_output=True, text=True)
    assert wrong.returncode == 2 and '--gt' in wrong.stderr.splitlines()[-1]
