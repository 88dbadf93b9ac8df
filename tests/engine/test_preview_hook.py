"""Preview images: what is drawn where, and when an image is written."""

import logging
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop
from mmengine.structures import InstanceData, PixelData

pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

from mmengine.visualization import LocalVisBackend
from mmpose.structures import PoseDataSample
from mmseg.structures import SegDataSample

from sapiens_mm.engine import preview_hook
from sapiens_mm.engine.preview_hook import SapiensPreviewHook
from sapiens_mm.engine.preview_images import draw_preview
from sapiens_mm.visualization import (
    colorize_depth,
    colorize_normals,
    draw_keypoints,
    overlay_labels,
)
from sapiens_mm.vocabulary import keypoints_of, parts_of

HEIGHT = 64
CLASSES = dict(classes=('background', 'skin', 'a_shoe'))
KEYPOINTS = dict(
    dataset_name='own',
    keypoint_info={k: dict(name=n, id=k) for k, n in enumerate(('a', 'b', 'c'))},
    skeleton_info={0: dict(link=('a', 'b'), id=0)},
    joint_weights=[1.0] * 3,
    sigmas=[0.05] * 3,
)


def config(metainfo):
    dataset = dict(type='SomeDataset', metainfo=metainfo)
    return Config(dict(train_dataloader=dict(dataset=dataset)))


@pytest.fixture
def photo(tmp_path):
    """An image of the panels' height, so that drawings are not resized."""
    picture = np.random.default_rng(0).integers(0, 255, (HEIGHT, 48, 3), np.uint8)
    path = tmp_path / 'a_photo_with_a_long_name.png'
    cv2.imwrite(str(path), picture)
    return SimpleNamespace(path=str(path), picture=picture)


def shows(picture, panel):
    """Tell whether a panel is in the bottom rows of a drawing."""
    height, width = panel.shape[:2]
    row = picture[-height:]
    places = range(row.shape[1] - width + 1)
    return any(np.array_equal(row[:, x : x + width], panel) for x in places)


def seg_sample(photo, seed=0):
    rng = np.random.default_rng(seed)
    maps = torch.from_numpy(rng.integers(0, 3, (2, 1, HEIGHT, 48)))
    maps[0, 0, :5] = 255
    sample = SegDataSample(metainfo=dict(img_path=photo.path))
    sample.gt_sem_seg = PixelData(data=maps[0])
    sample.pred_sem_seg = PixelData(data=maps[1])
    return sample


def test_classes_lie_over_the_image(photo):
    sample, cfg = seg_sample(photo), config(CLASSES)
    drawn = draw_preview(sample, cfg, CLASSES, HEIGHT)
    table = parts_of(cfg, 3)
    for field in ('gt_sem_seg', 'pred_sem_seg'):
        labels = sample.get(field).data[0].numpy().astype(np.uint8)
        assert shows(drawn.image, overlay_labels(photo.picture, labels, table, 0.6))
    colors = [color[::-1] for color in table.palette]
    assert drawn.classes == {1: ('skin', colors[1]), 2: ('a shoe', colors[2])}
    sample.gt_sem_seg.data[:] = sample.pred_sem_seg.data[:] = 0
    assert draw_preview(sample, cfg, CLASSES, HEIGHT).classes == {}


@pytest.mark.parametrize('channels', [1, 3])
def test_maps_are_shown_on_people(photo, channels):
    rng = np.random.default_rng(1)
    truth, pred = rng.normal(0.5, 1, (2, channels, HEIGHT, 48)).astype(np.float32)
    mask = np.zeros((1, HEIGHT, 48), np.uint8)
    mask[:, 10:40, 8:40] = 1
    sample = SegDataSample(metainfo=dict(img_path=photo.path))
    for name, data in dict(gt_map=truth, pred_map=pred, gt_mask=mask).items():
        sample.set_data({name: PixelData(data=torch.from_numpy(data))})
    drawn = draw_preview(sample, Config(dict()), {}, HEIGHT)
    assert shows(drawn.image, photo.picture)
    for values in (truth, pred):
        if channels == 1:
            panel = colorize_depth(values[0], mask[0])
        else:
            values = values.transpose(1, 2, 0)
            unit = values / np.linalg.norm(values, axis=2, keepdims=True)
            panel = colorize_normals(unit, mask[0])
        assert shows(drawn.image, panel)


def pose_sample(photo, visible=(1.0, 1.0, 0.0), scores=(0.9, 0.5, 0.4)):
    points = np.array([[[20.0, 20], [25, 30], [30, 40]]])
    sample = PoseDataSample(metainfo=dict(img_path=photo.path))
    sample.gt_instances = InstanceData(
        bboxes=np.array([[16.0, 16, 36, 48]]),
        keypoints=points,
        keypoints_visible=np.array([visible]),
    )
    sample.pred_instances = InstanceData(
        keypoints=points + 2, keypoint_scores=np.array([scores], np.float32)
    )
    return sample


def test_keypoints_are_drawn_where_the_crop_has_them(photo):
    """Of a box of 20 x 32, a quarter larger: 13 to 39 and 12 to 52, no scaling."""
    cfg = config(KEYPOINTS)
    sample = pose_sample(photo)
    drawn = draw_preview(sample, cfg, {}, 40)
    crop, table = photo.picture[12:52, 13:39], keypoints_of(cfg, 3)
    look = dict(radius=2.0, thickness=1)
    shown = draw_keypoints(
        crop,
        sample.gt_instances.keypoints - (13, 12),
        np.array([[1.0, 1, 0]]),
        table,
        **look,
    )
    assert shows(drawn.image, shown)
    shown = draw_keypoints(
        crop, sample.pred_instances.keypoints - (13, 12), np.ones((1, 3)), table, **look
    )
    assert shows(drawn.image, shown)


def test_keypoints_without_truth_and_of_a_young_model(photo):
    cfg = config(KEYPOINTS)
    full = draw_preview(pose_sample(photo), cfg, {}, 40)
    alone = draw_preview(pose_sample(photo, visible=(0.0, 0, 0)), cfg, {}, 40)
    assert alone.image.shape[1] < full.image.shape[1]
    # 0.3 hides the third; where all scores are low, half the best one does
    sure = draw_preview(pose_sample(photo, scores=(0.9, 0.5, 0.1)), cfg, {}, 40)
    unsure = draw_preview(pose_sample(photo, scores=(0.09, 0.05, 0.01)), cfg, {}, 40)
    np.testing.assert_array_equal(sure.image, unsure.image)
    assert (sure.image != full.image).any()


def test_what_cannot_be_drawn_is_named(photo):
    sample = SegDataSample(metainfo=dict(img_path=photo.path))
    sample.other = PixelData(data=torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match='SegDataSample with other is neither pose'):
        draw_preview(sample, Config(dict()), {}, HEIGHT)


# ---------------------------------------------------------------- the hook


class Backend:
    def __init__(self):
        self.calls = []

    def add_image(self, name, image, step):
        self.calls.append((name, image, step))


class Local(Backend, LocalVisBackend):
    """What would write the same image once more."""


class Runner(SimpleNamespace):
    def __init__(self, work_dir, by_epoch=True, **facts):
        self.backends = dict(local=Local(), board=Backend())
        dataset = SimpleNamespace(metainfo=CLASSES)
        super().__init__(
            cfg=config(CLASSES),
            work_dir=str(work_dir),
            epoch=3,
            iter=400,
            _train_loop=None if by_epoch else object.__new__(IterBasedTrainLoop),
            val_loop=SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset)),
            visualizer=SimpleNamespace(_vis_backends=self.backends),
            logger=logging.getLogger('preview'),
            **facts,
        )


def validate(hook, runner, batches):
    hook.before_val_epoch(runner)
    for index, batch in enumerate(batches):
        hook.after_val_iter(runner, index, None, batch)
    hook.after_val_epoch(runner, {})


def test_one_image_a_validation(tmp_path, photo, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        preview_hook,
        'draw_preview',
        lambda sample, *rest: drawn.append(sample) or draw_preview(sample, *rest),
    )
    runner, hook = Runner(tmp_path), SapiensPreviewHook(count=3, height=HEIGHT)
    samples = [seg_sample(photo, seed) for seed in range(6)]
    validate(hook, runner, [samples[:2], samples[2:4], samples[4:]])
    assert all(a is b for a, b in zip(drawn, samples[:3], strict=True))
    (path,) = (tmp_path / 'previews').iterdir()
    assert path.name == 'epoch_0003.jpg'
    saved = cv2.imread(str(path))
    assert not runner.backends['local'].calls
    ((name, image, step),) = runner.backends['board'].calls
    assert (name, step) == ('preview', 3)
    assert image.dtype == np.uint8
    assert np.abs(image[..., ::-1].astype(int) - saved).mean() < 12  # of a JPEG

    # pure colours are those of the legend alone: classes are mixed with the image
    for _, color in draw_preview(
        samples[0], runner.cfg, CLASSES, HEIGHT
    ).classes.values():
        assert (image[..., ::-1] == color).all(-1).sum() >= 64

    runner.epoch = 4
    validate(hook, runner, [samples])
    assert len(drawn) == 6
    runner = Runner(tmp_path, by_epoch=False)
    validate(hook, runner, [samples])
    names = sorted(path.name for path in (tmp_path / 'previews').iterdir())
    assert names == ['epoch_0003.jpg', 'epoch_0004.jpg', 'iter_0000400.jpg']


def test_none_are_drawn_where_none_are_wanted(tmp_path, photo):
    runner = Runner(tmp_path)
    validate(SapiensPreviewHook(count=0), runner, [[seg_sample(photo)]])
    validate(SapiensPreviewHook(), runner, [[]])
    assert not (tmp_path / 'previews').exists()


def test_a_failure_is_a_warning_once(tmp_path, photo, caplog):
    runner, hook = Runner(tmp_path), SapiensPreviewHook()
    broken = seg_sample(SimpleNamespace(path=str(tmp_path / 'gone.png')))
    for _ in range(2):
        validate(hook, runner, [[broken], [seg_sample(photo)]])
    assert [record.levelname for record in caplog.records] == ['WARNING']
    assert 'No previews in this run: FileNotFoundError' in caplog.text
    assert not (tmp_path / 'previews').exists()

    caplog.clear()
    runner = Runner(tmp_path)
    runner.backends['board'].add_image = None  # a board that went away
    validate(SapiensPreviewHook(), runner, [[seg_sample(photo)]])
    assert 'No previews in this run: TypeError' in caplog.text


@pytest.mark.parametrize('arguments', [dict(count=-1), dict(count=2.5), dict(height=9)])
def test_wrong_arguments_raise(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f'{name} must be a whole number of'):
        SapiensPreviewHook(**arguments)
