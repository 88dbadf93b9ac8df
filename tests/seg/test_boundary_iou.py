"""Boundary IoU against Cheng's erosion of each mask, and by hand."""

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from sapiens_mm.seg.boundary_iou import band_width, boundary_areas, boundary_band  # noqa: E402


def blobs(seed, hw=(60, 50), num_classes=6):
    values = np.random.RandomState(seed).rand(num_classes, 6, 5).astype(np.float32)
    fields = [cv2.resize(v, hw[::-1], interpolation=cv2.INTER_CUBIC) for v in values]
    return np.argmax(fields, 0).astype(np.uint8)


def eroded(mask, width):
    """As in the authors' code: a rim of zeros, then 3 x 3 erosions, one by one."""
    padded = np.pad(mask.astype(np.uint8), 1)
    for _ in range(width):
        padded = cv2.erode(padded, np.ones((3, 3), np.uint8))
    return padded[1:-1, 1:-1] > 0


def cheng(pred, target, num_classes, width):
    """Masks without the ignored pixels; those erode nothing."""
    ignored = target == 255
    rows = []
    for label in range(num_classes):
        bands = []
        for labels in (pred, target):
            mask = (labels == label) & ~ignored
            bands.append(mask & ~eroded(mask | ignored, width))
        both = (bands[0] & bands[1]).sum()
        rows.append([both, bands[0].sum(), bands[1].sum()])
    return np.array(rows).T


@pytest.mark.parametrize('ignore', [False, True])
@pytest.mark.parametrize(('ratio', 'width'), [(0.001, 1), (0.02, 2), (0.05, 4)])
def test_every_class_is_chengs(ratio, width, ignore):
    for seed in range(4):
        target = blobs(seed)
        pred = np.roll(target, (1, -2), (0, 1))
        pred[20:30, 10:25] = blobs(seed + 9)[20:30, 10:25]
        if ignore:
            target[blobs(seed + 20) == 1] = 255
            target[10, 10] = 255
        got = boundary_areas(pred, target, 6, ratio)
        assert (got == cheng(pred, target, 6, width)).all()
        assert 0 < got[0].sum() < got[1:].max(0).sum()


def test_width_is_a_share_of_the_diagonal():
    assert band_width((1024, 768)) == round(0.02 * 1280) == 26
    assert band_width((60, 80), 0.1) == 10
    assert band_width((4, 3)) == 1


def test_band_by_hand():
    labels = np.zeros((7, 9), np.uint8)
    labels[:, 5:] = 3
    band = boundary_band(labels, 1)
    expected = np.ones((7, 9), bool)
    expected[1:-1, 1:4] = expected[1:-1, 6:8] = False
    assert (band == expected).all()
    labels[:, 5] = 255  # nobody knows where the edge is
    expected[1:-1, 4:6] = False
    assert (
        boundary_band(labels, 1)[:, [1, 2, 3, 4, 6, 7]]
        == expected[:, [1, 2, 3, 4, 6, 7]]
    ).all()


def test_a_wide_band_is_plain_iou():
    target, pred = blobs(1), blobs(2)
    got = boundary_areas(pred, target, 6, dilation_ratio=0.4)
    for label in range(6):
        both = ((pred == label) & (target == label)).sum()
        expected = [both, (pred == label).sum(), (target == label).sum()]
        assert got[:, label].tolist() == expected


def test_a_shift_hurts_the_boundary_more_than_the_area():
    target = np.zeros((200, 150), np.uint8)
    target[40:160, 30:120] = 1
    pred = np.roll(target, 3, 1)
    both, found, there = boundary_areas(pred, target, 2)[:, 1]
    area = 120 * 90
    assert (found, there) == (area - 110 * 80, area - 110 * 80)  # a band of 5 pixels
    # 87 columns in both; of these not in both bands: 77 columns of 110 rows are inside
    # both, 3 + 3 columns inside one alone
    assert both == 120 * 87 - 110 * (77 + 6)
