"""sapiens browse: what is drawn lies where the annotations were moved."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from tiny_runs import pose_config, write_people

pytest.importorskip('mmpose')

from mmengine.registry import DATASETS, init_default_scope

from sapiens_mm.browse import samples as browse_samples  # noqa: E402
from sapiens_mm.browse.drawing import CELL_HEIGHT, GAP  # noqa: E402
from sapiens_mm.browse.pose import overlay_heatmaps  # noqa: E402
from sapiens_mm.cli import browse as browse_cli  # noqa: E402
from sapiens_mm.tables import keypoint_table

H, W = 256, 192
LIMBS = range(5, 17)  # apart from each other, which the face is not


def config(ann_file, num_keypoints=17, augment=False):
    return pose_config(ann_file, num_keypoints, input_hw=(H, W), augment=augment)


def draw(cfg, split='train'):
    """Draw all samples in order; return the drawings and the samples."""
    init_default_scope('mmpose')
    dataset = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
    packed = [dataset[i] for i in range(len(dataset))]
    drawings = [drawing for _, drawing in browse_samples.draw_samples(packed, dataset)]
    return drawings, [each['data_samples'] for each in packed]


def expected_points(ann_file):
    """Return the annotated keypoints in the crops, (n, 17, 2), by hand."""
    points = []
    for ann in json.loads(ann_file.read_text())['annotations']:
        x, y, w, h = ann['bbox']
        center = np.array([x + w / 2, y + h / 2])
        size = 1.25 * max(w, h * W / H) * np.array([1, H / W])  # widened to 3:4
        annotated = np.reshape(ann['keypoints'], (17, 3))[:, :2]
        points.append((annotated - (center - size / 2)) / size * [W - 1, H - 1])
    return np.array(points)


def colors_at(picture, points):
    """Return the RGB colours of the pixels at points (K, 2)."""
    x, y = np.rint(points).astype(int).T
    return picture[y, x, ::-1]


def run(*argv):
    return browse_cli.main([str(word) for word in argv])


@pytest.mark.parametrize('split', ['train', 'val'])
def test_keypoints_lie_where_the_crop_moved_them(tmp_path, split):
    ann_file = write_people(tmp_path, 3)
    drawings, _ = draw(config(ann_file), split)
    table = keypoint_table(17)
    for drawing, expected in zip(drawings, expected_points(ann_file), strict=True):
        np.testing.assert_allclose(drawing.keypoints, expected, atol=0.1)
        assert drawing.visible == 17
        for k in LIMBS:
            color = colors_at(drawing.image, expected[k : k + 1])[0]
            assert tuple(color) == table.keypoint_colors[k], table.names[k]
        panels = 2 if split == 'train' else 1  # test pipelines make no heatmaps
        assert drawing.image.shape == (H, W * panels + 4 * (panels - 1), 3)


def test_left_and_right_swap_under_flip(tmp_path):
    ann_file = write_people(tmp_path, 2)
    cfg = config(ann_file)
    flip = dict(type='RandomFlip', direction='horizontal', prob=1.0)
    cfg.train_dataloader.dataset.pipeline.insert(2, flip)
    table, mirror = keypoint_table(17), list(keypoint_table(17).flip_indices)
    drawings, _ = draw(cfg)
    for drawing, plain in zip(drawings, expected_points(ann_file), strict=True):
        mirrored = np.array([W - 1, 0]) + plain * [-1, 1]
        np.testing.assert_allclose(drawing.keypoints, mirrored[mirror], atol=0.1)
        for k in LIMBS:
            color = colors_at(drawing.image, mirrored[k : k + 1])[0]
            assert tuple(color) == table.keypoint_colors[mirror[k]]
            assert tuple(color) != table.keypoint_colors[k]
        assert drawing.caption.endswith('flipped')


@pytest.mark.parametrize('num_keypoints', [17, 133])
def test_keypoints_follow_every_augmentation(tmp_path, num_keypoints):
    cfg = config(write_people(tmp_path, 8, num_keypoints), num_keypoints, True)
    cfg.train_dataloader.dataset.pipeline[-1].pack_transformed = True
    compared, flips = 0, set()
    for drawing, sample in zip(*draw(cfg), strict=True):
        truth = sample.gt_instances.transformed_keypoints[0]
        weights = np.ravel(sample.gt_instance_labels.keypoint_weights)
        assert (np.isnan(drawing.keypoints[:, 0]) == (weights == 0)).all()
        # a heatmap that the border cuts off has its centre of mass elsewhere
        inside = ((truth > 24) & (truth < [W - 25, H - 25])).all(1) & (weights > 0)
        np.testing.assert_allclose(drawing.keypoints[inside], truth[inside], atol=0.2)
        compared += inside.sum()
        flips.add(sample.flip)
    assert compared > 3 * num_keypoints
    assert flips == {True, False}


def test_unlabelled_keypoints_are_absent(tmp_path):
    ann_file = write_people(tmp_path, 1)
    content = json.loads(ann_file.read_text())
    content['annotations'][0]['keypoints'][3 * 9 : 3 * 11] = [0] * 6  # the wrists
    ann_file.write_text(json.dumps(content))
    for split in ('train', 'val'):
        (drawing,), _ = draw(config(ann_file), split)
        assert np.flatnonzero(np.isnan(drawing.keypoints[:, 0])).tolist() == [9, 10]
        assert (drawing.visible, drawing.caption) == (15, '1: 15 of 17')


def test_heat_lies_where_the_heatmap_is():
    heatmaps = np.zeros((3, 32, 24), np.float32)
    heatmaps[1, 20, 10] = 1
    image = np.full((125, 93, 3), 100, np.uint8)  # centres 4 pixels apart
    change = np.abs(overlay_heatmaps(image, heatmaps).astype(int) - 100).sum(2)
    rows, cols = np.nonzero(change)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (77, 83, 37, 43)
    hottest = cv2.applyColorMap(np.uint8([[255]]), cv2.COLORMAP_TURBO)[0, 0]
    mixed = overlay_heatmaps(image, heatmaps)[80, 40]
    np.testing.assert_allclose(mixed, 0.2 * 100 + 0.8 * hottest, atol=0.5)


@pytest.mark.parametrize('augment', [False, True])
def test_files_and_counts(tmp_path, capsys, augment):
    ann_file = write_people(tmp_path / 'data', 3)
    config(ann_file, augment=augment).dump(tmp_path / 'run.py')
    out = tmp_path / 'out'
    argv = [tmp_path / 'run.py', '--count', 5, '--out-dir', out]
    assert run(*argv) == 0
    printed = capsys.readouterr().out
    assert '5 samples of 3 in train' in printed
    if not augment:
        assert '17.0 visible keypoints in the mean, 17 to 17, of 17' in printed
        assert '0 samples rejected' in printed
    names = [f'{n:04d}.png' for n in range(5)]
    assert sorted(file.name for file in out.iterdir()) == [*names, 'sheet.png']
    pictures = [cv2.imread(str(out / name)) for name in names]
    assert {picture.shape for picture in pictures} == {(H, 2 * W + 4, 3)}
    sheet = cv2.imread(str(out / 'sheet.png'))
    cell = browse_samples.shrink(pictures[0])
    width = cell.shape[1]
    assert sheet.shape[1] == 2 * width + GAP  # columns
    top = sheet.shape[0] // 3 - GAP - CELL_HEIGHT
    np.testing.assert_array_equal(sheet[top : top + len(cell), :width], cell)
    # the same seed, the same images
    assert run(*argv) == 0
    np.testing.assert_array_equal(cv2.imread(str(out / names[4])), pictures[4])
    assert run(*argv, '--seed', 1) == 0
    if augment:
        assert (cv2.imread(str(out / names[4])) != pictures[4]).any()


def test_rejected_samples_are_counted(tmp_path, capsys):
    ann_file = write_people(tmp_path / 'data', 2)
    content = json.loads(ann_file.read_text())
    content['annotations'][1]['keypoints'][9:] = [0] * 42
    ann_file.write_text(json.dumps(content))
    cfg = config(ann_file)
    cfg.dump(tmp_path / 'run.py')
    assert run(tmp_path / 'run.py', '--count', 2, '--out-dir', tmp_path / 'out') == 0
    printed = capsys.readouterr().out
    # the second person has 3 keypoints of 4: the first is drawn in its place
    assert '17.0 visible keypoints in the mean, 17 to 17' in printed
    count = int(printed.split(' samples rejected')[0].splitlines()[-1])
    assert count >= 1
    first, second = (cv2.imread(str(tmp_path / f'out/000{n}.png')) for n in (0, 1))
    np.testing.assert_array_equal(first, second)
    cfg.train_dataloader.dataset.pipeline[-2].min_keypoints = 18
    cfg.dump(tmp_path / 'none.py')
    assert run(tmp_path / 'none.py', '--out-dir', tmp_path / 'out') == 2
    assert 'in a row; lower its min_keypoints' in capsys.readouterr().err


def test_wrong_calls_are_one_sentence(tmp_path, capsys):
    cfg = config(tmp_path / 'people.json')
    cfg.dump(tmp_path / 'run.py')
    for argv, match in [
        (['pose/sapiens_0.3b_coco71-1024x768'], 'did you mean'),
        ([tmp_path / 'run.py'], 'people.json'),
        (
            ['seg/sapiens_0.3b_face19-1024x768', '--split', 'val'],
            'has no val_dataloader',
        ),
    ]:
        assert run(*argv, '--out-dir', tmp_path / 'out') == 2
        assert match in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_other_tasks_are_refused():
    packed = dict(inputs=torch.zeros(3, 8, 8), data_samples=SimpleNamespace())
    with pytest.raises(ValueError, match='type SimpleNamespace cannot be drawn yet'):
        next(browse_samples.draw_samples([packed], None))
