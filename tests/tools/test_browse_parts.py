"""sapiens browse on part labels, from files in every official layout."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from mmengine.config import Config

from sapiens_mm import config_path
from sapiens_mm.browse import samples as browse_samples
from sapiens_mm.cli import browse as browse_cli
from sapiens_mm.tables import part_table
from sapiens_mm.visualization import overlay_labels

sys.path.insert(0, str(Path(__file__).parents[1] / 'seg'))
from part_layouts import (
    LAYOUTS,
    face,
    lip_labels,
    people,
    write_faces,
    write_goliath,
    write_labels,
    write_lip,
)

H, W = 256, 192
SIZES = {'scale': (W, H), 'crop_size': (H, W)}


def config(name, root, only=None):
    """Load a shipped config for a small input; ``only`` keeps these random steps."""
    cfg = Config.fromfile(config_path(f'seg/sapiens_0.3b_{name}-1024x768'))
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        if loader is None:
            continue
        data = loader.dataset
        data.data_root = str(root)
        for step in data.pipeline:
            step.update({key: SIZES[key] for key in SIZES if key in step})
        if only is not None:
            data.pipeline = [
                step
                for step in data.pipeline
                if step.type in only or not any(w in step.type for w in RANDOM)
            ]
    return cfg


RANDOM = ('Random', 'Distortion')


def draw(cfg, split='train', count=3):
    dataset = browse_samples.build(cfg, split)
    packed = [dataset[n] for n in range(count)]
    drawn = list(browse_samples.draw_samples(packed, dataset))
    assert {kind for kind, _ in drawn} == {'gt_sem_seg'}
    return [d for _, d in drawn], [each['data_samples'] for each in packed]


def panels(drawing):
    """Cut the four panels out of an image; the legend is beside the second."""
    picture, width = drawing.image, W
    return (
        picture[:, :width],
        picture[:, width + 4 : 2 * width + 4],
        picture[:, -2 * width - 4 : -width - 4],
        picture[:, -width:],
    )


def resized(labels, hw=(H, W)):
    return cv2.resize(labels, hw[::-1], interpolation=cv2.INTER_NEAREST)


@pytest.mark.parametrize('split', ['train', 'val'])
def test_labels_lie_on_image_and_input(tmp_path, split):
    hw = (128, 96)
    table = part_table('lip20')
    cfg = config('lip20', write_lip(tmp_path, hw=hw), only=())
    drawings, _ = draw(cfg, split)
    for n, (drawing, person) in enumerate(zip(drawings, people(3, hw), strict=True)):
        labels = lip_labels(person.labels)
        photo, on_photo, image, on_image = panels(drawing)
        path = tmp_path / f'images/{split}_images/{77 + n}_{471474 + n}.jpg'
        np.testing.assert_array_equal(photo, cv2.resize(cv2.imread(str(path)), (W, H)))
        np.testing.assert_array_equal(image, photo)  # without augmentation
        for overlay, base in ((on_photo, photo), (on_image, image)):
            expected = overlay_labels(base, resized(labels), table, 0.6)
            np.testing.assert_array_equal(overlay, expected)
        target = resized(labels) if split == 'train' else labels  # of its own size
        np.testing.assert_array_equal(
            drawing.pixels, np.bincount(target.ravel(), minlength=256)
        )
        assert drawing.image.shape[0] == H
        assert drawing.image.shape[1] > 4 * W + 12  # the legend


@pytest.mark.parametrize('name', ['goliath28', 'lip20', 'face19'])
def test_sides_swap_under_flip(tmp_path, name):
    hw = (128, 96)
    LAYOUTS[name](tmp_path, hw=hw)
    cfg = config(name, tmp_path, only=('RandomFlip',))
    (flip,) = [
        step
        for step in cfg.train_dataloader.dataset.pipeline
        if step.type == 'RandomFlip'
    ]
    flip.prob = 1.0
    drawings, samples = draw(cfg)
    table = part_table(name)
    swapped = np.array([*table.flip_indices, *range(table.num_classes, 256)], np.uint8)
    for n, (drawing, sample) in enumerate(zip(drawings, samples, strict=True)):
        if name == 'face19':
            labels = face(n, hw)[1]
        else:
            labels = people(3, hw)[n].labels
            labels = lip_labels(labels) if name == 'lip20' else labels
        expected = swapped[resized(labels)[:, ::-1]]
        np.testing.assert_array_equal(sample.gt_sem_seg.data[0], expected)
        photo, _, image, on_image = panels(drawing)
        np.testing.assert_array_equal(image, photo[:, ::-1])
        np.testing.assert_array_equal(
            on_image, overlay_labels(image, expected, table, 0.6)
        )
        assert drawing.caption.endswith('flipped')


def test_pixels_without_a_label_are_grey(tmp_path):
    write_goliath(tmp_path, 1, hw=(H, W))
    labels = people(1, (H, W))[0].labels
    labels[:20] = 255
    write_labels(tmp_path / 'train_parts/s1/0000.png', labels)
    (drawing,), _ = draw(config('goliath28', tmp_path, only=()), count=1)
    _, on_photo, image, on_image = panels(drawing)
    for overlay in (on_photo, on_image):
        expected = 0.4 * image[:20] + 0.6 * 220
        np.testing.assert_allclose(overlay[:20], expected, atol=0.6)
        background = labels == 0
        np.testing.assert_array_equal(overlay[background], image[background])
    assert drawing.pixels[255] == 20 * W


@pytest.mark.parametrize('name', LAYOUTS)
def test_files_and_counts(tmp_path, name, capsys):
    cfg = config(name, LAYOUTS[name](tmp_path / 'data'))
    cfg.dump(tmp_path / 'run.py')
    out = tmp_path / 'out'
    argv = [str(tmp_path / 'run.py'), '--count', '5', '--out-dir', str(out)]
    assert browse_cli.main(argv) == 0
    shown = capsys.readouterr().out
    assert '5 samples of 3 in train' in shown
    absent = {
        'goliath28': 'Apparel, Left_Foot, Left_Sock',
        'lip20': 'Hat, Glove, Sunglasses',
        'cihp20': 'Hat, Glove, Sunglasses',
        'face19': 'Beard, Glasses, Headwear, Facewear',
    }[name]
    assert f'absent: {absent}' in shown
    names = sorted(path.name for path in out.iterdir())
    assert names == [*(f'{n:04d}.png' for n in range(5)), 'sheet.png']
    first = cv2.imread(str(out / '0000.png'))
    assert browse_cli.main(argv) == 0  # the same seed, the same images
    np.testing.assert_array_equal(cv2.imread(str(out / '0000.png')), first)


def test_shares_are_of_the_labelled_area(tmp_path, capsys):
    root = write_faces(tmp_path / 'data', 1, hw=(H, W))
    labels = np.zeros((H, W), np.uint8)
    labels[:64], labels[64:128] = 255, 1
    write_labels(root / '000000_seg.png', labels)
    config('face19', root, only=()).dump(tmp_path / 'run.py')
    argv = ['--count', '1', '--out-dir', str(tmp_path / 'out')]
    assert browse_cli.main([str(tmp_path / 'run.py'), *argv]) == 0
    shown = capsys.readouterr().out
    assert 'labelled area: Background 66.67, Skin 33.33\n' in shown
    assert '25.00 % without a label' in shown


def test_bad_files_are_named_or_counted(tmp_path, capsys):
    root = write_goliath(tmp_path / 'data', 2)
    write_labels(root / 'train_parts/s1/0001.png', np.full((96, 72), 40))
    cfg = config('goliath28', root)
    for skip, code in ((False, 2), (True, 0)):
        cfg.train_dataloader.dataset.skip_bad = skip
        cfg.dump(tmp_path / 'run.py')
        argv = [str(tmp_path / 'run.py'), '--count', '4']
        assert browse_cli.main([*argv, '--out-dir', str(tmp_path / 'out')]) == code
        shown = capsys.readouterr()
        if skip:
            assert 'bad samples skipped' in shown.out
        else:
            assert shown.err.startswith(f'error: {root}/train_parts/s1/0001.png holds')
