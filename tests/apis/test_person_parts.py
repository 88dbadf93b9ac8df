import cv2
import numpy as np
import pytest

from sapiens_mm.apis.person_parts import Crop, CropParts, crop_of_box, merge_crops


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        # 30 x 40 is 3:4 already: padded to 37.5 x 50
        ((10, 20, 40, 60), Crop(6, 15, 38, 50)),
        # 30 x 30 grows to 30 x 40 first
        ((10, 20, 40, 50), Crop(6, 10, 38, 50)),
        # 12 x 64 grows to 48 x 64, then 60 x 80
        ((100, 0, 112, 64), Crop(76, -8, 60, 80)),
    ],
)
def test_crops_are_padded_and_widened(box, expected):
    assert crop_of_box(np.array(box, np.float32), 3 / 4) == expected


@pytest.mark.parametrize('box', [(-5, 3, 0.01, 4), (19.99, 9.99, 30, 30), (5, 5, 6, 6)])
def test_a_crop_has_every_pixel_of_its_box(box):
    crop = crop_of_box(np.array(box), 3 / 4)
    rows, columns = crop.inside((10, 20))
    x1, y1, x2, y2 = np.clip(box, 0, [20, 10, 20, 10])
    assert rows.start <= y1 and y2 <= rows.stop
    assert columns.start <= x1 and x2 <= columns.stop


def test_window_and_inside_are_the_same_pixels():
    crop = Crop(-6, 3, 20, 30)
    assert crop.inside((25, 100)) == np.s_[3:25, 0:14]
    assert crop.window((25, 100)) == np.s_[0:22, 6:20]


@pytest.mark.parametrize('crop', [Crop(-40, -30, 150, 200), Crop(60, 10, 45, 60)])
@pytest.mark.parametrize('size_wh', [(48, 64), (96, 128)])
def test_cut_equals_pad_and_resize(crop, size_wh):
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (90, 100, 3), np.uint8), (0, 0), 1)
    padded = cv2.copyMakeBorder(image, *[300] * 4, cv2.BORDER_CONSTANT)
    top, left = crop.top + 300, crop.left + 300
    whole = padded[top : top + crop.height, left : left + crop.width]
    expected = cv2.resize(whole, size_wh, interpolation=cv2.INTER_LINEAR)
    found = crop.cut(image, size_wh)
    assert found.shape == expected.shape
    # the last pixels of an enlarged crop see what lies beyond it
    inner = np.s_[2:-2, 2:-2]
    difference = found[inner].astype(int) - expected[inner]
    assert np.abs(difference).max() <= 2


def test_a_box_far_beyond_the_image_takes_no_memory():
    crop = crop_of_box(np.array([-1e6, -1e6, 1e6, 1e6]), 3 / 4)
    image = np.full((10, 20, 3), 255, np.uint8)
    assert crop.cut(image, (48, 64)).shape == (64, 48, 3)
    assert crop.inside((10, 20)) == np.s_[0:10, 0:20]


def parts(labels, probability):
    labels = np.array(labels, np.uint8)
    return CropParts(labels, np.broadcast_to(np.float16(probability), labels.shape))


def test_merge_by_hand():
    """Two crops of 4 x 1 pixels overlap in two columns of an image of 7 x 1.

    Centrality along the row is 1/4, 3/4, 3/4, 1/4; the one row has 1.
    """
    crops = [Crop(0, 0, 4, 1), Crop(2, 0, 4, 1)]

    def merge(first, p, second, q):
        merged = merge_crops(crops, [parts([first], p), parts([second], q)], (1, 7))
        return merged.labels[0].tolist(), merged.persons[0].tolist()

    # column 2: 0.75 p against 0.25 q; column 3 the other way round
    assert merge([1] * 4, 0.9, [2] * 4, 0.9) == (
        [1, 1, 1, 2, 2, 2, 0],
        [1, 1, 1, 2, 2, 2, 0],
    )
    assert merge([1] * 4, 0.3, [2] * 4, 1.0)[0] == [1, 1, 2, 2, 2, 2, 0]
    assert merge([1] * 4, 1.0, [2] * 4, 0.3)[0] == [1, 1, 1, 1, 2, 2, 0]
    # equal, 0.75 * 0.25 and 0.25 * 0.75: the earlier box
    assert merge([1] * 4, 0.25, [2] * 4, 0.75)[0] == [1, 1, 1, 2, 2, 2, 0]
    # background never beats a part
    assert merge([0] * 4, 1.0, [0, 2, 0, 2], 0.1) == (
        [0, 0, 0, 2, 0, 2, 0],
        [0, 0, 0, 2, 0, 2, 0],
    )


def test_order_decides_between_equal_crops():
    crop = Crop(0, 0, 3, 4)
    found = [parts(np.full((4, 3), label), 0.5) for label in (4, 2, 7)]
    merged = merge_crops([crop] * 3, found, (4, 3))
    assert (merged.labels == 4).all() and (merged.persons == 1).all()


def test_a_pixel_of_several_against_a_loop():
    rng = np.random.default_rng(1)
    image_hw, classes = (40, 50), 5
    crops = [
        Crop(*rng.integers(-10, 30, 2).tolist(), *rng.integers(12, 40, 2).tolist())
        for _ in range(6)
    ]
    found = []
    for crop in crops:
        rows, columns = crop.inside(image_hw)
        shape = (classes, rows.stop - rows.start, columns.stop - columns.start)
        chances = rng.dirichlet(np.ones(classes), shape[1:]).transpose(2, 0, 1)
        chances = chances.astype(np.float16)
        labels = chances.argmax(0).astype(np.uint8)
        found.append(CropParts(labels, chances.max(0), chances))
    merged = merge_crops(crops, found, image_hw, classes)
    for y, x in np.ndindex(image_hw):
        best, winner = 0.0, None
        for index, (crop, one) in enumerate(zip(crops, found, strict=True)):
            rows, columns = crop.inside(image_hw)
            i, j = y - rows.start, x - columns.start
            if not (0 <= i < one.labels.shape[0] and 0 <= j < one.labels.shape[1]):
                continue
            u = 2 * (x + 0.5 - crop.left) / crop.width - 1
            v = 2 * (y + 0.5 - crop.top) / crop.height - 1
            strength = float(one.probability[i, j]) * (1 - abs(u)) * (1 - abs(v))
            if one.labels[i, j] > 0 and strength > best + 1e-9:
                best, winner = strength, (index, i, j)
        if winner is None:
            expected = 0, 0, np.eye(classes)[0]
        else:
            index, i, j = winner
            one = found[index]
            expected = one.labels[i, j], index + 1, one.probabilities[:, i, j]
        assert merged.labels[y, x] == expected[0]
        assert merged.persons[y, x] == expected[1]
        np.testing.assert_array_equal(merged.probabilities[:, y, x], expected[2])
    assert len(np.unique(merged.persons)) > 4


def test_nobody():
    merged = merge_crops([], [], (4, 5), 3)
    assert not merged.labels.any() and not merged.persons.any()
    np.testing.assert_array_equal(merged.probabilities[0], np.ones((4, 5)))
    assert merge_crops([], [], (4, 5)).probabilities is None
