import copy

import numpy as np
import pytest

pytest.importorskip('mmpose')

from mmengine.dataset import pseudo_collate

from sapiens_mm.apis import PoseInferencer
from sapiens_mm.apis.stages import Loaded
from sapiens_mm.testing import build_model, fake_person, fake_person_image

BOXES = [[20, 10, 150, 240], [-10, 100, 90, 300]]


@pytest.fixture(scope='module')
def photo():
    return fake_person_image(1, (256, 192))


@pytest.mark.parametrize('flip_test', [False, True])
def test_equals_mmpose(tiny, photo, flip_test):
    """Same keypoints and scores as mmpose's own top-down inference."""
    from mmpose.apis import inference_topdown
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    from sapiens_mm.tables import keypoint_table

    cfg, checkpoint = tiny('pose')
    host_cfg = copy.deepcopy(cfg)
    host_cfg.model.type = 'TopdownPoseEstimator'  # two passes of the backbone
    host = build_model(host_cfg).eval()
    host.cfg = cfg.copy()
    host.cfg.test_dataloader = dict(dataset=dict(pipeline=cfg.test_pipeline))
    host.dataset_meta = parse_pose_metainfo(keypoint_table(17).metainfo())
    host.test_cfg = dict(host.test_cfg, flip_test=flip_test)
    expected = inference_topdown(host, photo, np.array(BOXES, np.float32))
    pose = PoseInferencer(
        cfg, checkpoint, device='cpu', flip_test=flip_test, batch_size=2
    )
    result = pose(photo, boxes=BOXES)
    assert result.keypoints.shape == (2, 17, 2)
    assert result.keypoints.dtype == result.scores.dtype == np.float32
    for index, sample in enumerate(expected):
        found = sample.pred_instances
        np.testing.assert_allclose(
            result.keypoints[index], found.keypoints[0], atol=1e-3
        )
        np.testing.assert_allclose(
            result.scores[index], found.keypoint_scores[0], atol=1e-6
        )
    assert result.boxes_from == 'caller'
    np.testing.assert_array_equal(result.boxes, BOXES)


def test_whole_image_is_the_default_box(tiny, photo):
    pose = PoseInferencer(*tiny('pose'), device='cpu')
    whole, given = pose(photo), pose(photo, boxes=[[0, 0, 192, 256]])
    np.testing.assert_array_equal(whole.keypoints, given.keypoints)
    assert (whole.boxes_from, whole.box_scores.tolist()) == ('image', [1.0])
    assert whole.image_hw == (256, 192)


def test_batches_do_not_change_results(tiny, photo):
    cfg, checkpoint = tiny('pose')
    boxes = [BOXES, BOXES[:1], np.zeros((0, 4)), BOXES * 2]
    one = PoseInferencer(cfg, checkpoint, device='cpu', batch_size=1)
    many = PoseInferencer(cfg, checkpoint, device='cpu', batch_size=3)
    images = [photo, fake_person_image(2, (100, 300)), photo, photo]
    for a, b in zip(one(images, boxes=boxes), many(images, boxes=boxes), strict=True):
        assert a.keypoints.shape == b.keypoints.shape
        # the Newton step of the decoder magnifies rounding where heatmaps are flat
        near = np.isclose(a.keypoints, b.keypoints, rtol=0, atol=1e-2)
        assert near.size == 0 or near.mean() > 0.9
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)


def test_detector_gives_boxes_and_scores(tiny, photo):
    person = fake_person(1, (256, 192))
    answers = [(person.box_xyxy[None], [0.8]), (np.zeros((0, 4)), np.zeros(0))]
    pose = PoseInferencer(
        *tiny('pose'), device='cpu', detector=lambda image: answers.pop(0)
    )
    found, nobody = pose([photo, photo])
    assert found.boxes_from == 'detector'
    np.testing.assert_allclose(found.boxes, person.box_xyxy[None])
    np.testing.assert_allclose(found.box_scores, [0.8], rtol=1e-6)
    assert (nobody.boxes_from, nobody.box_scores.tolist()) == ('image', [0.0])
    np.testing.assert_array_equal(nobody.boxes, [[0, 0, 192, 256]])


def test_crop_follows_a_shifted_image(tiny, photo):
    """Moving image and box moves the keypoints: no anisotropic or shifted crop."""
    pose = PoseInferencer(*tiny('pose'), device='cpu')
    box = np.array([30, 40, 126, 168], np.float32)
    shifted = np.zeros((400, 400, 3), np.uint8)
    shifted[57 : 57 + 256, 81 : 81 + 192] = photo
    # inside the padded crop (1.25x) nothing but image
    a = pose(photo, boxes=box[None])
    b = pose(shifted, boxes=(box + [81, 57, 81, 57])[None])
    np.testing.assert_allclose(a.keypoints + [81, 57], b.keypoints, atol=1e-2)


def test_mirror_test_swaps_left_and_right(tiny, photo):
    """With the flip test, a mirrored image gives the mirrored skeleton."""
    from sapiens_mm.tables import keypoint_table

    pose = PoseInferencer(*tiny('pose308'), device='cpu', flip_test=True)
    # a crop whose UDP sampling grid is symmetric: the mirror of x is W - 1 - x
    plain = pose(photo, boxes=[[0, 0, 191, 255]])
    mirrored = pose(photo[:, ::-1].copy(), boxes=[[0, 0, 191, 255]])
    flip = list(keypoint_table(308).flip_indices)
    np.testing.assert_allclose(plain.scores, mirrored.scores[:, flip], atol=1e-5)
    assert not np.allclose(plain.scores, mirrored.scores, atol=1e-3)


def test_flip_test_is_one_batch(tiny, photo):
    """One pass of the backbone over both, with heatmaps on request."""
    pose = PoseInferencer(*tiny('pose'), device='cpu', flip_test=True, batch_size=2)
    shapes = []
    hook = lambda module, args, output: shapes.append(tuple(args[0].shape))  # noqa: E731
    handle = pose.backbone.register_forward_hook(hook)
    pose(photo, boxes=BOXES)
    handle.remove()
    assert shapes == [(4, 3, 64, 48)]
    pose.model.test_cfg['output_heatmaps'] = True
    samples = pose.prepare(Loaded(None, photo, {})).samples
    data = pose.model.data_preprocessor(pseudo_collate(samples), False)
    found = pose.model.predict(data['inputs'], data['data_samples'])
    assert found[0].pred_fields.heatmaps.shape == (17, 16, 12)


def test_one_pixel_and_large_images(tiny):
    pose = PoseInferencer(*tiny('pose'), device='cpu')
    dot = pose(np.full((1, 1, 3), 9, np.uint8))
    assert np.isfinite(dot.keypoints).all()
    large = np.zeros((4000, 5000, 3), np.uint8)
    result = pose(large, boxes=[[4000, 3000, 4400, 3800]])
    # some Newton steps of the decoder leave the crop; it is 1.25 times the box
    crop = [4200 - 375, 3400 - 500], [4200 + 375, 3400 + 500]
    points = result.keypoints[0]
    inside = (points >= crop[0]).all(1) & (points <= crop[1]).all(1)
    assert inside.mean() > 0.7


def test_half_precision_is_near(tiny, photo):
    cfg, checkpoint = tiny('pose')
    full = PoseInferencer(cfg, checkpoint, device='cpu')(photo)
    half = PoseInferencer(cfg, checkpoint, device='cpu', dtype='bfloat16')(photo)
    assert half.keypoints.dtype == np.float32
    np.testing.assert_allclose(half.scores, full.scores, rtol=0.1, atol=0.05)


@pytest.mark.parametrize(
    ('options', 'match'),
    [
        (dict(batch_size=0), 'batch_size must be at least 1, got 0'),
        (dict(dtype='int8'), "dtype must be one of .* got 'int8'"),
        (dict(device='toaster'), "got 'toaster'"),
        (dict(detector=5), 'callable, got 5'),
    ],
)
def test_wrong_arguments(tiny, options, match):
    with pytest.raises(ValueError, match=match):
        PoseInferencer(*tiny('pose'), **{'device': 'cpu', **options})


def test_wrong_config_names_near_ones():
    with pytest.raises(ValueError, match='did you mean .*coco17'):
        PoseInferencer('pose/sapiens_0.3b_coco18-1024x768')


def test_wrong_checkpoint_is_one_sentence(tiny):
    cfg, _ = tiny('pose')
    _, other = tiny('pose308')
    with pytest.raises(ValueError, match='308') as caught:
        PoseInferencer(cfg, other, device='cpu')
    assert '\n' not in str(caught.value)
    _, depth = tiny('depth')
    with pytest.raises(ValueError, match='depth'):
        PoseInferencer(cfg, depth, device='cpu')


def test_random_weights_warn(tiny, photo):
    with pytest.warns(UserWarning, match='random weights'):
        pose = PoseInferencer(tiny('pose')[0], device='cpu')
    assert pose(photo).keypoints.shape == (1, 17, 2)
