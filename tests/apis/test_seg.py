"""Modes, crops, resizes and clean-up of the segmentation inferencer."""

import copy

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

pytest.importorskip('mmseg')

from sapiens_mm.apis import SegInferencer
from sapiens_mm.apis.label_cleanup import CleanUp
from sapiens_mm.apis.person_parts import crop_of_box
from sapiens_mm.tables import part_table
from sapiens_mm.testing import build_model, fake_person_image, tiny_config

FLIP = list(part_table('goliath28').flip_indices)
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@pytest.fixture(scope='module')
def photo():
    return fake_person_image(3, (150, 211))


def make(tiny, **kwargs):
    return SegInferencer(*tiny('seg'), device='cpu', **kwargs)


def logits_by_hand(cfg, picture, mirror=False):
    """Logits (28, 32, 24) of an image of the network's size, by torch alone."""
    model = build_model(cfg).eval()
    rgb = torch.from_numpy(picture[:, :, ::-1].copy()).permute(2, 0, 1)[None].float()
    x = (rgb - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    with torch.no_grad():
        maps = model.decode_head(model.backbone(x.flip(-1) if mirror else x))
    return maps.flip(-1)[0, FLIP] if mirror else maps[0]


def interpolate(maps, *sizes):
    for size in sizes:
        maps = F.interpolate(maps[None], size, mode='bilinear')[0]
    return maps


def assert_labels(labels, logits, share=0.9995):
    assert labels.dtype == np.uint8 and labels.shape == logits.shape[1:]
    assert (labels == logits.argmax(0).numpy()).mean() >= share


# ------------------------------------------------------------------ whole image


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('resize', ['twice', 'once'])
def test_resizes(tiny, photo, resize, flip):
    cfg, _ = tiny('seg')
    small = cv2.resize(photo, (48, 64))
    maps = logits_by_hand(cfg, small)
    if flip:
        maps = (maps + logits_by_hand(cfg, small, mirror=True)) / 2
    sizes = dict(twice=[(64, 48), (150, 211)], once=[(150, 211)])
    expected = {name: interpolate(maps, *steps) for name, steps in sizes.items()}
    result = make(tiny, resize=resize, flip_test=flip, probabilities=True)(photo)
    assert_labels(result.labels, expected[resize])
    np.testing.assert_allclose(
        result.probabilities, expected[resize].softmax(0), atol=2e-3
    )
    different = (expected['once'].argmax(0) != expected['twice'].argmax(0)).float()
    assert different.mean() > 0.002  # so the test above tells them apart
    assert result.persons is None and result.boxes is None


def test_the_default_is_two_resizes(tiny, photo):
    default, twice = make(tiny), make(tiny, resize='twice', mode='whole')
    np.testing.assert_array_equal(default(photo).labels, twice(photo).labels)


def test_heads_that_resize_by_themselves(tiny, photo):
    """A head with ``align_corners`` keeps its own way; one resize is refused."""
    cfg, checkpoint = tiny('seg')
    cfg = copy.deepcopy(cfg)
    cfg.model.decode_head.align_corners = True
    maps = logits_by_hand(cfg, cv2.resize(photo, (48, 64)))
    large = F.interpolate(maps[None], (64, 48), mode='bilinear', align_corners=True)
    result = SegInferencer(cfg, checkpoint, device='cpu')(photo)
    assert_labels(result.labels, interpolate(large[0], (150, 211)))
    with pytest.raises(ValueError, match="resize='once' needs .* SapiensSegHead"):
        SegInferencer(cfg, checkpoint, device='cpu', resize='once')


def test_sliding_windows_keep_working(tiny, photo):
    cfg, checkpoint = tiny('seg')
    cfg = copy.deepcopy(cfg)
    cfg.model.test_cfg = dict(mode='slide', crop_size=(64, 48), stride=(64, 48))
    result = SegInferencer(cfg, checkpoint, device='cpu')(photo)
    np.testing.assert_array_equal(result.labels, make(tiny)(photo).labels)


# ------------------------------------------------------------------ persons

BOXES = np.array([[20, 30, 80, 120], [60, 25, 150, 140], [-20, 90, 30, 170]], float)


def crop_by_hand(photo, crop, size_wh=(48, 64)):
    padded = cv2.copyMakeBorder(photo, *[400] * 4, cv2.BORDER_CONSTANT)
    top, left = crop.top + 400, crop.left + 400
    return padded[top : top + crop.height, left : left + crop.width], size_wh


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('resize', ['twice', 'once'])
def test_one_person_equals_the_network_on_its_crop(tiny, photo, flip, resize):
    cfg, _ = tiny('seg')
    crop = crop_of_box(BOXES[0], 48 / 64)
    picture = crop.cut(photo, (48, 64))
    maps = logits_by_hand(cfg, picture)
    if flip:
        maps = (maps + logits_by_hand(cfg, picture, mirror=True)) / 2
    steps = [(64, 48)] * (resize == 'twice') + [(crop.height, crop.width)]
    rows, columns = crop.window(photo.shape[:2])
    expected = interpolate(maps, *steps)[:, rows, columns]
    options = dict(resize=resize, flip_test=flip, probabilities=True)
    result = make(tiny, mode='person', **options)(photo, boxes=BOXES[:1])
    place = crop.inside(photo.shape[:2])
    assert_labels(result.labels[place], expected)
    outside = np.ones(photo.shape[:2], bool)
    outside[place] = False
    assert not result.labels[outside].any() and not result.persons[outside].any()
    np.testing.assert_array_equal(result.persons, result.labels > 0)
    seen = expected.argmax(0).numpy() > 0
    np.testing.assert_allclose(
        result.probabilities[(slice(None), *place)][:, seen],
        expected.softmax(0)[:, seen],
        atol=2e-3,
    )
    assert result.boxes_from == 'caller' and result.box_scores.tolist() == [1]
    np.testing.assert_array_equal(result.boxes, BOXES[:1])


def test_batches_of_crops_of_several_images(tiny, photo):
    photos = [photo, fake_person_image(4, (90, 70)), photo]
    boxes = [BOXES, [[5, 5, 40, 80]], np.zeros((0, 4))]
    one = make(tiny, mode='person', batch_size=1)(photos, boxes=boxes)
    many = make(tiny, mode='person', batch_size=3)(photos, boxes=boxes)
    for a, b, image in zip(one, many, photos, strict=True):
        assert a.labels.shape == image.shape[:2]
        assert (a.labels == b.labels).mean() > 0.999
        assert (a.persons == b.persons).mean() > 0.999
    assert set(np.unique(one[0].persons)) == {0, 1, 2, 3}
    # the caller says that nobody is there
    assert not one[2].labels.any() and one[2].boxes.shape == (0, 4)


def test_where_boxes_come_from(tiny, photo):
    box = BOXES[1].astype(np.float32)
    inferencer = make(tiny, mode='person', detector=lambda image: [[*box, 0.7]])
    found, given = inferencer(photo), make(tiny, mode='person')(photo, boxes=[box])
    assert found.boxes_from == 'detector'
    assert found.box_scores.tolist() == [pytest.approx(0.7)]
    np.testing.assert_array_equal(found.labels, given.labels)
    whole = make(tiny)(photo).labels
    nobody = make(tiny, mode='person', detector=lambda image: [])(photo)
    for result, score in ((nobody, 0), (make(tiny, mode='person')(photo), 1)):
        np.testing.assert_array_equal(result.labels, whole)
        np.testing.assert_array_equal(result.persons, whole > 0)
        assert (result.boxes_from, result.box_scores.tolist()) == ('image', [score])
        np.testing.assert_array_equal(result.boxes, [[0, 0, 211, 150]])


# ------------------------------------------------------------------ geometry


class Colours:
    """Instead of the network: red, green and blue are parts 1 to 3, at half size."""

    def __call__(self, inputs, metas):
        std, mean = torch.tensor(STD), torch.tensor(MEAN)
        rgb = (inputs * std[:, None, None] + mean[:, None, None]) / 255
        parts = F.avg_pool2d(rgb, 2)
        # linear, so that half of one and half of another makes no third
        return 10 * torch.cat([1 - parts.sum(1, keepdim=True), parts], 1)


@pytest.fixture(scope='module')
def large(tmp_path_factory):
    """Return an inferencer with an input of 256 x 192 that reads colours."""
    cfg = tiny_config('seg/sapiens_0.3b_goliath28-1024x768', (256, 192))
    path = tmp_path_factory.mktemp('large') / 'seg.pth'
    torch.save(build_model(cfg).state_dict(), path)

    def make(**kwargs):
        inferencer = SegInferencer(cfg, path, device='cpu', **kwargs)
        inferencer.network = Colours()
        return inferencer

    return make


def painted(hw=(420, 560)):
    """Two people of a head, a torso and two legs, as labels and as an image."""
    labels = np.zeros(hw, np.uint8)
    rectangles = (
        (25, 0, 50, 60),
        (0, 60, 100, 90),
        (5, 150, 40, 140),
        (55, 150, 40, 140),
    )
    for x, y, size in ((130, 60, 1.0), (330, 150, 0.6)):
        for part, (left, top, width, height) in zip(
            (1, 2, 3, 3), rectangles, strict=True
        ):
            x1, y1 = round(x + left * size), round(y + top * size)
            x2, y2 = round(x1 + width * size), round(y1 + height * size)
            labels[y1:y2, x1:x2] = part
    photo = 255 * np.stack([labels == 3, labels == 2, labels == 1], -1)  # BGR
    return labels, photo.astype(np.uint8)


PEOPLE = np.array([[130, 60, 230, 350], [330, 150, 390, 324]])


def shifts_px(found, truth):
    """Shift of the centre of each part from the truth, in pixels, x and y."""
    shifts = []
    for part in np.unique(truth[truth > 0]):
        a, b = (np.stack(np.nonzero(labels == part)) for labels in (found, truth))
        shifts += np.abs(a.mean(1) - b.mean(1)).tolist()
    return np.array(shifts)


@pytest.mark.parametrize('resize', ['twice', 'once'])
def test_crops_land_where_they_were_cut(large, resize):
    truth, picture = painted()
    result = large(mode='person', resize=resize)(picture, boxes=PEOPLE)
    assert (result.labels == truth).mean() > 0.999
    # half a pixel of the logits is 1.5 pixels of this image, and would show
    assert shifts_px(result.labels, truth).max() < 0.1
    assert shifts_px(np.roll(truth, 1, axis=1), truth).max() > 0.9
    split = np.where(truth > 0, np.where(np.arange(560) < 280, 1, 2), 0)
    assert (result.persons == split).mean() > 0.999


def test_small_people_gain_from_crops(large):
    edges = ((0, 900), (0, 1200))
    truth, picture = painted()
    truth, picture = np.pad(truth, edges), np.pad(picture, (*edges, (0, 0)))
    whole = large()(picture).labels
    person = large(mode='person')(picture, boxes=PEOPLE).labels
    inside = truth > 0
    wrong = [(labels != truth)[inside].mean() for labels in (whole, person)]
    assert wrong[1] < 0.05 < wrong[0]


def test_a_mirrored_image_gives_the_mirrored_map(large):
    _, picture = painted()
    mirrored = PEOPLE.copy()
    mirrored[:, [0, 2]] = 560 - PEOPLE[:, [2, 0]]
    a = large(mode='person')(picture, boxes=PEOPLE)
    b = large(mode='person')(picture[:, ::-1].copy(), boxes=mirrored)
    assert (a.labels == b.labels[:, ::-1]).mean() > 0.999
    assert (a.persons == b.persons[:, ::-1]).mean() > 0.999


# ------------------------------------------------------------------ clean-up


def test_clean_up_is_off_by_default_and_applied_last(large):
    _, picture = painted()
    picture[10:30, 10:30, 0] = 255  # a speck of part 3
    picture[150:160, 170:180] = 0  # a hole in part 2
    plain, clean = large()(picture), large(cleanup=dict(keep=0.3))(picture)
    assert plain.labels[20, 20] == 3 and plain.labels[155, 175] == 0
    assert clean.labels[20, 20] == 0 and clean.labels[155, 175] == 2
    np.testing.assert_array_equal(CleanUp(keep=0.3)(plain.labels), clean.labels)
    persons = large(mode='person', cleanup=True)(picture, boxes=PEOPLE)
    assert persons.labels[155, 175] == 2 and persons.persons[155, 175] == 1
    np.testing.assert_array_equal(persons.persons > 0, persons.labels > 0)


# ------------------------------------------------------------------ wrong calls


@pytest.mark.parametrize(
    ('kwargs', 'match'),
    [
        (dict(mode='crop'), r"mode must be one of \('whole', 'person'\), got 'crop'"),
        (dict(resize=2), 'resize must be one of'),
        (dict(detector=lambda image: []), "A detector needs mode='person'"),
        (dict(cleanup='yes'), 'cleanup must be True, False or a dict'),
    ],
)
def test_wrong_arguments(tiny, kwargs, match):
    with pytest.raises(ValueError, match=match):
        make(tiny, **kwargs)


def test_boxes_of_a_whole_image_are_refused(tiny, photo):
    with pytest.raises(ValueError, match="boxes need mode='person'"):
        make(tiny)(photo, boxes=BOXES)
    with pytest.raises(ValueError, match='has no area'):
        make(tiny, mode='person')(photo, boxes=[[5, 5, 5, 9]])


def test_a_pipeline_without_a_size(tiny):
    cfg, checkpoint = tiny('seg')
    cfg = copy.deepcopy(cfg)
    cfg.test_pipeline = [dict(type='PackSegInputs')]
    with pytest.raises(ValueError, match=r'needs a Resize with a scale \(W, H\)'):
        SegInferencer(cfg, checkpoint, device='cpu', mode='person')
