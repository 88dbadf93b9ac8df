"""Ids of moving boxes: births, gaps, crossings."""

import numpy as np
import pytest

pytest.importorskip('scipy')

from sapiens_mm.video.tracking import BoxTracker, Tracks, box_iou, match_boxes

RATE_HZ = 25


def box(x, y=100.0, width=40.0, height=80.0):
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def follow(tracker, frames, times=None):
    """Feed lists of boxes, None for frames without a look; return Tracks of each."""
    found = []
    for index, boxes in enumerate(frames):
        time_s = index / RATE_HZ if times is None else times[index]
        if boxes is None:
            found.append(tracker.predict(time_s))
        else:
            boxes = np.array(boxes, float).reshape(-1, 4)
            found.append(tracker.update(boxes, np.full(len(boxes), 0.9), time_s))
    return found


def ids(found):
    return [tracks.ids.tolist() for tracks in found]


def test_iou_by_hand():
    first = [[0, 0, 2, 2], [5, 5, 5, 9]]
    second = [[1, 0, 3, 2], [0, 0, 2, 2], [2, 0, 4, 2]]
    np.testing.assert_allclose(box_iou(first, second), [[1 / 3, 1, 0], [0, 0, 0]])


def test_pairs_are_best_together_not_one_by_one():
    """Greedy would take (0, 0), the best pair, and leave 1 alone."""
    first = [[0, 0, 10, 1], [4, 0, 14, 1]]
    second = [[1, 0, 11, 1], [-4, 0, 6, 1]]
    overlaps = box_iou(first, second)
    assert overlaps.argmax() == 0 and overlaps[1, 1] < 0.3
    assert match_boxes(first, second, 0.3) == [(0, 1), (1, 0)]
    assert match_boxes(first, second, 0.9) == []
    assert match_boxes(np.zeros((0, 4)), second, 0.3) == []


def test_births_after_hits():
    later = [[box(50)], [box(50), box(300)], [box(50), box(300)], [box(50), box(300)]]
    assert ids(follow(BoxTracker(min_hits=2), later)) == [[1], [1], [1, 2], [1, 2]]
    assert ids(follow(BoxTracker(min_hits=3), later)) == [[1], [1], [1], [1, 2]]
    assert ids(follow(BoxTracker(min_hits=1), later)) == [[1], [1, 2], [1, 2], [1, 2]]
    # a flash is nobody, and takes no number
    flash = [[box(50)], [box(300)], [], [box(50), box(200)], [box(50), box(200)]]
    assert ids(follow(BoxTracker(), flash)) == [[1], [], [], [1], [1, 2]]


def test_the_first_seen_are_born_at_once():
    assert ids(follow(BoxTracker(min_hits=5), [[], [box(9), box(99)]])) == [[], [1, 2]]


def test_unsure_until_born_and_seen_twice():
    tracker = BoxTracker(min_hits=3)
    unsure = []
    for boxes in ([9], [9], [9, 300], [9, 300], [9, 300]):
        follow(tracker, [[box(x) for x in boxes]], [len(unsure)])
        unsure.append(tracker.is_unsure)
    assert unsure == [True, False, True, True, False]


@pytest.mark.parametrize('order', [1, -1])
def test_crossing(order):
    """Two walk through each other; the detector lists them in any order."""
    left, right = 50 + 8.0 * np.arange(40), 350 - 8.0 * np.arange(40)
    noise = np.random.default_rng(0).normal(0, 1, (40, 2))
    frames = [
        [box(a + n[0]), box(b + n[1], 110)][:: order if i % 2 else 1]
        for i, (a, b, n) in enumerate(zip(left, right, noise, strict=True))
    ]
    last = follow(BoxTracker(), frames)[-1]
    centers = last.boxes[:, [0, 2]].mean(1)
    assert last.ids.tolist() == [1, 2]
    assert abs(centers[0] - left[-1]) < 5 and abs(centers[1] - right[-1]) < 5


def test_crossing_where_one_hides_the_other():
    left, right = 50 + 8.0 * np.arange(40), 350 - 8.0 * np.arange(40)
    frames = [
        [box(a)] if abs(a - b) < 24 else [box(b, 110), box(a)]
        for a, b in zip(left, right, strict=True)
    ]
    found = follow(BoxTracker(), frames)
    assert min(len(tracks.ids) for tracks in found) == 1
    first, last = found[0], found[-1]
    # the detector lists the right one first: it is number 1
    assert first.ids.tolist() == last.ids.tolist() == [1, 2]
    assert abs(last.boxes[:, [0, 2]].mean(1) - [right[-1], left[-1]]).max() < 1


@pytest.mark.parametrize(('missing', 'expected'), [(20, 1), (30, 2)])
def test_gaps_of_a_second(missing, expected):
    """Away for 0.84 s it keeps its id, for 1.24 s it does not."""
    walk = [[box(50 + 2 * i)] for i in range(60)]
    walk[10 : 10 + missing] = [[]] * missing
    found = follow(BoxTracker(max_gap_s=1.0), walk)
    assert ids(found)[9:11] == [[1], []]
    assert ids(found)[-1] == [expected]


def test_looking_rarely_is_no_gap():
    walk = [[box(50 + 2 * i)] if i % 5 == 0 else None for i in range(60)]
    found = follow(BoxTracker(max_gap_s=0.0), walk)
    assert ids(found) == [[1]] * 60
    centers = np.array([tracks.boxes[0, [0, 2]].mean() for tracks in found])
    # in between the box moves on at constant speed, once it is known
    np.testing.assert_allclose(centers[5:], 50 + 2 * np.arange(5, 60), atol=1e-3)
    assert found[7].scores.tolist() == pytest.approx([0.9])


def test_time_counts_not_frames():
    """Half of the frames left out: the speed is the same."""
    times = [0, 0.04, 0.08, 0.24, 0.32]
    walk = [[box(50 + 100 * t)] for t in times]
    found = follow(BoxTracker(), [*walk[:3], None, walk[4]], times)
    assert found[3].boxes[0, 0] == pytest.approx(walk[3][0][0], abs=1e-3)


def test_inside():
    boxes = np.array([[-50, 0, -1, 9], [-5, 0, 5, 9], [10, 0, 20, 9]], np.float32)
    tracks = Tracks(boxes, np.ones(3, np.float32), np.arange(1, 4))
    assert tracks.inside((20, 10)).ids.tolist() == [2]
    assert Tracks(boxes, np.ones(3), None).inside((20, 10)).ids is None


@pytest.mark.parametrize(
    ('options', 'match'),
    [
        (dict(iou_threshold=0), 'iou_threshold must be above 0 and at most 1, got 0'),
        (dict(max_gap_s=-1), 'max_gap_s must be 0 or more, got -1'),
        (dict(min_hits=1.5), 'min_hits must be a whole number of 1 or more, got 1.5'),
    ],
)
def test_wrong_values(options, match):
    with pytest.raises(ValueError, match=match):
        BoxTracker(**options)


def test_time_must_grow():
    tracker = BoxTracker()
    follow(tracker, [[box(50)], [box(50)]])
    with pytest.raises(ValueError, match='time_s must grow: got 0.04 after 0.04'):
        tracker.update(np.zeros((0, 4)), np.zeros(0), 0.04)
