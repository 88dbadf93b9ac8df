"""Depth and normals with tiles and masks, by networks that see a known scene."""

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from sapiens_mm.apis import DepthInferencer, NormalInferencer, SegInferencer
from sapiens_mm.saving.results import draw_result
from sapiens_mm.testing import fake_person_image

TASKS = {'depth': DepthInferencer, 'normal': NormalInferencer}
STD = torch.tensor([58.395, 57.12, 57.375])[:, None, None]
MEAN = torch.tensor([123.675, 116.28, 103.53])[:, None, None]


def fake_network(inferencer, answer):
    """Let ``answer`` see the image, RGB (B, 3, H, W), 0 to 255; return its calls."""
    calls = []

    def network(inputs, metas):
        calls.append(len(inputs))
        return answer((inputs * STD + MEAN).double()).float()

    inferencer.network = network
    return calls


def relative(maps):
    """Near 0 and far 1 in what the network sees, as the models are trained."""
    near, far = maps.amin((2, 3), True), maps.amax((2, 3), True)
    return (maps - near) / (far - near)


@pytest.fixture(scope='module')
def ramps():
    """Image (250, 240, 3) BGR: red is the row, green the column."""
    rows, columns = np.mgrid[:250, :240]
    return np.dstack([0 * rows, columns, rows]).astype(np.uint8)


def test_depth_of_tiles_is_seamless(tiny, ramps):
    inferencer = DepthInferencer(*tiny('depth'), device='cpu', tile=100, batch_size=4)
    calls = fake_network(inferencer, lambda rgb: relative(rgb[:, :1] + rgb[:, 1:2]))
    result = inferencer(ramps)
    # 1 + 150 / 75 rows of tiles of 100 x 75, and 1 + 165 / 56.25, rounded up, columns
    assert result.tiles == 3 * 4 and sum(calls) == 13 and max(calls) == 4
    rows, columns = np.mgrid[:250, :240]
    scale, shift = np.polyfit((rows + columns).ravel(), result.depth.ravel(), 1)
    # far minus near of the 64 x 48 pixels of the whole image: half one is lost a side
    seen = 250 - 250 / 64 + 240 - 240 / 48
    assert scale == pytest.approx(1 / seen, rel=0.005)
    line = scale * (rows + columns) + shift
    # the image is whole numbers, of 488 from near to far; half a pixel of the
    # network's input is 2 of the image at its edge
    assert np.abs(result.depth - line)[4:-4, 4:-4].max() < 2 / 488
    assert np.abs(result.depth - line).max() < 6 / 488


def test_depth_of_tiles_has_the_detail_that_the_whole_lacks(tiny):
    rows, columns = np.mgrid[:512, :384]
    dots = 20 * ((rows // 4 + columns // 4) % 2)
    truth = rows / 512 * 200 + dots
    photo = np.repeat(truth[..., None], 3, 2).astype(np.uint8)
    errors = []
    for tile in (None, 64):
        inferencer = DepthInferencer(*tiny('depth'), device='cpu', tile=tile)
        fake_network(inferencer, lambda rgb: relative(rgb[:, :1]))
        depth = inferencer(photo).depth
        scale, shift = np.polyfit(depth.ravel(), truth.ravel(), 1)
        errors.append(np.sqrt(np.mean((scale * depth + shift - truth) ** 2)))
    assert errors[0] > 9  # of dots of 10 about their mean it sees none
    assert errors[1] < 3


def test_constant_depth_stays_constant(tiny, ramps):
    inferencer = DepthInferencer(*tiny('depth'), device='cpu', tile=100)
    fake_network(inferencer, lambda rgb: torch.full_like(rgb[:, :1], 0.625))
    result = inferencer(ramps)
    assert result.tiles == 0
    np.testing.assert_array_equal(result.depth, np.float32(0.625))


def test_normals_of_tiles_are_unit_and_seamless(tiny, ramps):
    def answer(rgb):
        x, y = rgb[:, 1:2] / 120 - 1, 1 - rgb[:, :1] / 125
        return torch.cat([x, y, torch.ones_like(x)], 1) * 7  # not of length 1

    inferencer = NormalInferencer(*tiny('normal'), device='cpu', tile=100)
    fake_network(inferencer, answer)
    result = inferencer(ramps)
    assert result.tiles == 12
    rows, columns = np.mgrid[:250, :240]
    expected = np.dstack([columns / 120 - 1, 1 - rows / 125, np.ones((250, 240))])
    expected /= np.linalg.norm(expected, axis=2, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(result.normals, axis=2), 1, atol=1e-4)
    cosine = (result.normals * expected).sum(2).clip(-1, 1)
    angles = np.degrees(np.arccos(cosine))
    assert angles[4:-4, 4:-4].max() < 1 and angles.max() < 2


@pytest.mark.parametrize('task', TASKS)
def test_flip_of_a_network_that_knows_its_mirror(tiny, ramps, task):
    """Averaging changes nothing, if x of normals is turned round and nothing else."""

    def answer(rgb):
        blue, green, red = rgb[:, 2:], rgb[:, 1:2], rgb[:, :1]
        if task == 'depth':
            return red / 250 + green / 500
        slope = blue[..., 1:] - blue[..., :-1]  # changes sign in a mirror
        slope = torch.nn.functional.pad(slope, (0, 1)) + torch.nn.functional.pad(
            slope, (1, 0)
        )
        return torch.cat([slope / 100, green / 250, red / 250], 1)

    photo = ramps.copy()
    photo[..., 0] = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 256, (250, 240)).astype(np.uint8),
        (0, 0),
        9,
    )
    field = dict(depth='depth', normal='normals')[task]
    found = []
    for flip in (False, True):
        inferencer = TASKS[task](*tiny(task), device='cpu', flip_test=flip)
        fake_network(inferencer, answer)
        found.append(getattr(inferencer(photo), field))
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
    if task == 'normal':
        assert np.abs(found[0][..., 0]).mean() > 0.01


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('tile', [None, 48])
def test_an_empty_mask_is_a_result(tiny, task, tile):
    photo = fake_person_image(0, (96, 80))
    inferencer = TASKS[task](*tiny(task), device='cpu', tile=tile)
    plain = TASKS[task](*tiny(task), device='cpu')(photo)
    result = inferencer(photo, mask=np.zeros((96, 80), np.uint8))
    field = dict(depth='depth', normal='normals')[task]
    assert result.is_empty and result.mask_from == 'caller' and result.tiles == 0
    assert not plain.is_empty and plain.mask_from == 'none'
    np.testing.assert_array_equal(getattr(result, field), getattr(plain, field))
    drawn = draw_result(result, photo)
    assert drawn.shape[0] == 96
    assert (drawn[:, :80] == (100 if task == 'depth' else 0)).all()


def test_tiles_without_people_are_left_out(tiny, ramps):
    inferencer = DepthInferencer(*tiny('depth'), device='cpu', tile=100)
    calls = fake_network(inferencer, lambda rgb: relative(rgb[:, :1] + rgb[:, 1:2]))
    mask = np.zeros((250, 240), bool)
    mask[:60, :50] = True  # in the first tile alone
    result = inferencer(ramps, mask=mask)
    assert result.tiles == 1 and sum(calls) == 2
    plain = DepthInferencer(*tiny('depth'), device='cpu')
    fake_network(plain, lambda rgb: relative(rgb[:, :1] + rgb[:, 1:2]))
    np.testing.assert_array_equal(result.depth[110:], plain(ramps).depth[110:])


@pytest.mark.parametrize('task', TASKS)
def test_masks_of_a_folder(tiny, tmp_path, task):
    photos, masks = tmp_path / 'photos', tmp_path / 'masks'
    photos.mkdir()
    masks.mkdir()
    for index, name in enumerate('abc'):
        cv2.imwrite(str(photos / f'{name}.jpg'), fake_person_image(index, (64, 48)))
    mask = np.zeros((64, 48), np.uint8)
    mask[10:20] = 255
    cv2.imwrite(str(masks / 'a.png'), mask)
    np.save(masks / 'b.npy', mask > 0)
    inferencer = TASKS[task](*tiny(task), device='cpu')
    a, b, c = inferencer(photos, mask=masks)
    np.testing.assert_array_equal(a.mask, mask > 0)
    np.testing.assert_array_equal(b.mask, mask > 0)
    assert c.error == f'There is no mask c.png or .npy in {masks}'
    alone = inferencer(photos / 'a.jpg', mask=str(masks))
    np.testing.assert_array_equal(alone.mask, mask > 0)
    with pytest.raises(ValueError, match='a.png is not a folder'):
        list(inferencer.run(photos, mask=masks / 'a.png'))


def test_masks_of_a_segmenter(tiny):
    photo = fake_person_image(0, (96, 80))
    seg = SegInferencer(*tiny('seg'), device='cpu')
    expected = seg(photo).labels > 0
    assert 0 < expected.sum() < expected.size
    config, checkpoint = tiny('depth')
    inferencer = DepthInferencer(config, checkpoint, device='cpu', segmenter=seg)
    result = inferencer(photo)
    np.testing.assert_array_equal(result.mask, expected)
    assert result.mask_from == 'segmenter'
    given = np.ones((96, 80), bool)  # the caller's goes before
    assert inferencer(photo, mask=given).mask_from == 'caller'
    plain = DepthInferencer(
        config, checkpoint, device='cpu', segmenter=lambda image: image[:, :40, 0]
    )
    with pytest.raises(ValueError, match=r'returned shape \(96, 40\)'):
        plain(photo)


def test_a_segmenter_of_another_task_is_refused(tiny):
    config, checkpoint = tiny('depth')
    with pytest.raises(ValueError, match='masks need a model of body parts'):
        DepthInferencer(config, checkpoint, device='cpu', segmenter=checkpoint)
    with pytest.raises(ValueError, match='segmenter must be None'):
        DepthInferencer(config, checkpoint, device='cpu', segmenter=3)
