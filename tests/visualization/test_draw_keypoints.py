"""Skeleton drawing: colours at known pixels, sizes, and coordinates that are wrong."""

import numpy as np
import pytest

from sapiens_mm.tables import COCO17, GOLIATH308, WHOLEBODY133, KeypointTable
from sapiens_mm.visualization import draw_keypoints
from sapiens_mm.visualization.keypoints import keypoint_radii
from sapiens_mm.visualization.strokes import clip_segment, draw_disc, draw_line

BLUE, GREEN, ORANGE = (51, 153, 255), (0, 255, 0), (255, 128, 0)  # RGB, as in tables
# Two points, left green and right orange, joined by a blue link.
PAIR = KeypointTable(
    name='pair',
    names=('left', 'right'),
    flip_indices=(1, 0),
    links=((0, 1),),
    link_colors=(BLUE,),
    keypoint_colors=(GREEN, ORANGE),
    sigmas=(0.1, 0.1),
    groups={'body': (0, 1)},
    types=('upper', 'upper'),
    joint_weights=(1.0, 1.0),
)
GREY = 90


def blank(height=40, width=60):
    """Return an even grey image."""
    return np.full((height, width, 3), GREY, np.uint8)


def rgb(image, x, y):
    """Colour of a pixel as (red, green, blue)."""
    return tuple(int(value) for value in image[y, x, ::-1])


def draw_pair(points, scores=(1, 1), image=None, **options):
    """Draw one person of two keypoints."""
    image = blank() if image is None else image
    return draw_keypoints(
        image, np.array([points], float), np.array([scores], float), PAIR, **options
    )


def is_blue(image, x, y):
    """Whether a pixel has the link's colour; soft edges cost OpenCV a few levels."""
    return np.abs(np.subtract(rgb(image, x, y), BLUE)).max() <= 6


def untouched(image):
    """Whether nothing was drawn."""
    return bool((image == GREY).all())


def test_colours_at_centres_and_on_the_link():
    image = draw_pair([(10, 20), (50, 20)], radius=4, thickness=2)
    assert rgb(image, 10, 20) == GREEN
    assert rgb(image, 50, 20) == ORANGE
    assert is_blue(image, 30, 20)
    assert rgb(image, 30, 25) == (GREY,) * 3


def test_points_lie_over_links():
    points = [(20, 20), (22, 20)]
    image = draw_pair(points, radius=1.5, thickness=9)
    assert rgb(image, 20, 20) == GREEN
    assert rgb(image, 22, 20) == ORANGE


def test_input_is_not_changed():
    image = blank()
    assert not untouched(draw_pair([(10, 20), (50, 20)], image=image))
    assert untouched(image)


def test_mirrored_person_swaps_colours():
    """Drawing the mirrored person equals mirroring the drawing and its colours."""
    width = 60
    points = np.array([(12.0, 20.0), (45.0, 20.0)])
    mirrored = points * (-1, 1) + (width - 1, 0)
    options = dict(radius=4, thickness=3)
    image = draw_pair(points, **options)
    other = draw_pair(mirrored[list(PAIR.flip_indices)], **options)
    for x, y in points.astype(int):
        swapped = {GREEN: ORANGE, ORANGE: GREEN}[rgb(image, x, y)]
        assert rgb(other, width - 1 - x, y) == swapped


def test_disc_is_sub_pixel_and_symmetric():
    canvas = np.zeros((9, 9, 3), np.uint8)
    draw_disc(canvas, 4.5, 4.0, 1.0, (255, 255, 255))
    shown = canvas[..., 0]
    assert np.array_equal(shown, shown[::-1])
    # Centres at distance 0.5 are covered, at hypot(0.5, 1) by 1.5 less the distance.
    assert shown[4, 4] == shown[4, 5] == 255
    assert shown[3, 4] == shown[3, 5] == round(255 * (1.5 - np.hypot(0.5, 1)))
    assert shown[4, 3] == shown[4, 6] == 0
    area = shown.sum() / 255
    assert abs(area - np.pi) < 0.4


@pytest.mark.parametrize('width', [2, 3, 4, 6, 11])
def test_lines_are_as_wide_as_asked(width):
    canvas = np.zeros((40, 40, 3), np.uint8)
    start, end = np.array([-10.0, 20]), np.array([60.0, 20])
    draw_line(canvas, start, end, width, (255, 255, 255))
    assert abs(canvas[:, 20, 0].sum() / 255 - width) < 0.5


def test_low_scores_and_nan_are_skipped():
    points = [(10, 20), (50, 20)]
    one = draw_pair(points, scores=(0.31, 0.29))
    assert rgb(one, 10, 20) == GREEN
    assert untouched(one[:, 20:])
    assert untouched(draw_pair([(np.nan, 20), (50, np.inf)]))
    assert untouched(draw_pair(points, scores=(np.nan, -1)))
    assert rgb(draw_pair(points, scores=(0.5, 0), score_threshold=0.5), 10, 20) == GREEN


@pytest.mark.parametrize('far', [1e5, 3e9, 1e19, 1e38, 1e300])
def test_far_points_do_not_overflow(far):
    image = draw_pair([(10, 20), (far, 20)], radius=3, thickness=2)
    assert rgb(image, 10, 20) == GREEN
    assert is_blue(image, 55, 20)
    assert untouched(draw_pair([(far, far), (far, -far)]))
    assert untouched(draw_pair([(-far, 1e9), (far, 1e9)]))


def test_link_to_a_point_outside_is_cut_at_the_border():
    image = draw_pair([(30, 20), (30, 60)], radius=2, thickness=2)
    assert is_blue(image, 30, 39)
    assert rgb(image, 30, 20) == GREEN


def test_clip_segment():
    start, end = clip_segment(np.array([-10.0, 5]), np.array([30.0, 5]), (10, 20), 0)
    assert np.allclose([start, end], [[0, 5], [19, 5]])
    diagonal = clip_segment(np.array([-5.0, -5]), np.array([100.0, 100]), (10, 20), 0)
    assert np.allclose(diagonal, [[0, 0], [9, 9]])
    assert clip_segment(np.array([0.0, -2]), np.array([19.0, -2]), (10, 20), 0) is None


def test_opacity_mixes_drawn_pixels_only():
    full = draw_pair([(10, 20), (50, 20)])
    half = draw_pair([(10, 20), (50, 20)], opacity=0.5)
    drawn = (full != GREY).any(-1)
    assert (half[~drawn] == GREY).all()
    expected = (full[drawn].astype(float) + GREY) / 2
    assert np.abs(half[drawn] - expected).max() <= 0.5
    assert untouched(draw_pair([(10, 20), (50, 20)], opacity=0))


def test_boxes():
    box = np.array([[5, 6, 50, 33]])
    nothing = np.full((1, 2, 2), np.nan)
    options = dict(boxes=box)
    image = draw_keypoints(blank(), nothing, np.ones((1, 2)), PAIR, **options)
    amber = (255, 215, 0)
    for x, y in ((5, 20), (50, 20), (30, 6), (30, 33), (5, 6), (50, 33)):
        assert np.abs(np.subtract(rgb(image, x, y), amber)).max() < 60
    assert untouched(image[10:30, 10:45])
    hidden = draw_keypoints(
        blank(), nothing, np.ones((1, 2)), PAIR, draw_boxes=False, **options
    )
    assert untouched(hidden)


@pytest.mark.parametrize(
    'box', [[-1e12, -1e12, 1e12, 1e12], [np.nan, 0, 5, 5], [70, 50, 90, 80]]
)
def test_boxes_beyond_the_image_show_no_line(box):
    nothing = np.full((1, 2, 2), np.nan)
    boxes = np.array([box], float)
    image = draw_keypoints(blank(), nothing, np.ones((1, 2)), PAIR, boxes=boxes)
    assert untouched(image)


def test_sizes_follow_the_person():
    rng = np.random.default_rng(0)
    unit = rng.uniform(0, 1, (17, 2))
    shown = np.ones(17, bool)
    small = keypoint_radii(unit * 200, shown, COCO17, (1000, 1000))
    large = keypoint_radii(unit * 900, shown, COCO17, (1000, 1000))
    assert small.min() >= 0.8
    assert small.max() <= 0.018 * 200
    assert 0.006 * 800 <= large.max() <= 0.018 * 900
    assert (large >= small).all()


def ring(count, radius, center):
    """Return points on a circle."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], -1) * radius + center


@pytest.mark.parametrize('face_px', [60, 200, 600])
def test_308_points_on_a_face_do_not_merge(face_px):
    """On a face of any size, eyelid and pupil discs leave gaps between them."""
    points = np.full((308, 2), np.nan)
    center = np.array([512.0, 512])
    points[0] = center
    points[96:120] = ring(24, 0.12 * face_px, center - (0.2 * face_px, 0))
    points[290:299] = ring(9, 0.06 * face_px, center + (0.2 * face_px, 0))
    points[220:246] = ring(26, 0.3 * face_px, center)
    shown = np.isfinite(points).all(-1)
    radii = keypoint_radii(points, shown, GOLIATH308, (1024, 1024))
    for ids in (range(96, 120), range(290, 299), range(220, 246)):
        ids = list(ids)
        gap = np.hypot(*(points[ids[0]] - points[ids[1]]))
        assert max(radii[ids]) <= max(0.4 * gap, 0.8) + 1e-9
        assert min(radii[ids]) >= 0.8


def test_openpose_is_black_with_a_neck():
    points = np.zeros((1, 17, 2))
    points[0, 5], points[0, 6], points[0, 0] = (70, 60), (30, 60), (50, 20)
    scores = np.zeros((1, 17))
    scores[0, [0, 5, 6]] = 1
    image = draw_keypoints(blank(100, 100), points, scores, COCO17, style='openpose')
    assert rgb(image, 5, 5) == (0, 0, 0)
    assert rgb(image, 50, 60) == (255, 85, 0)  # neck
    assert rgb(image, 50, 20) == (255, 0, 0)  # nose
    assert rgb(image, 30, 60) == (255, 170, 0)  # right shoulder
    assert rgb(image, 70, 60) == (85, 255, 0)  # left shoulder
    assert rgb(image, 40, 60) == (153, 0, 0)  # neck to right shoulder, 0.6 of red
    assert rgb(image, 50, 40) == (0, 0, 153)  # neck to nose
    scores[0, 6] = 0
    image = draw_keypoints(blank(100, 100), points, scores, COCO17, style='openpose')
    assert rgb(image, 50, 60) == (0, 0, 0)


def test_openpose_hands_and_face():
    points = np.full((1, 133, 2), np.nan)
    points[0, 91], points[0, 92], points[0, 23] = (20, 20), (60, 20), (50, 80)
    image = draw_keypoints(
        blank(100, 100), points, np.ones((1, 133)), WHOLEBODY133, style='openpose'
    )
    assert rgb(image, 20, 20) == (0, 0, 255)
    assert rgb(image, 40, 20)[0] > 200
    assert rgb(image, 50, 80) == (255, 255, 255)


def test_openpose_refuses_308():
    with pytest.raises(ValueError, match='17 and 133 keypoints, not 308'):
        draw_keypoints(
            blank(), np.zeros((1, 308, 2)), np.ones((1, 308)), GOLIATH308,
            style='openpose',
        )  # fmt: skip


@pytest.mark.parametrize('style', ['mmpose', 'openpose'])
def test_extreme_predictions_never_raise(style):
    rng = np.random.default_rng(0)
    points = rng.normal(0, 1, (8, 133, 2)) * 10.0 ** rng.integers(-3, 308, (8, 133, 1))
    points[0, ::3] = np.nan
    points[1, ::3] = np.inf
    image = draw_keypoints(
        blank(1, 1), points, np.ones((8, 133)), WHOLEBODY133, style=style
    )
    assert image.shape == (1, 1, 3)


def test_nobody():
    nobody = np.zeros((0, 17, 2)), np.zeros((0, 17))
    image = draw_keypoints(blank(), *nobody, COCO17, boxes=np.zeros((0, 4)))
    assert untouched(image)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(image_bgr=np.zeros((4, 4))), r'image_bgr .*\(4, 4\).*uint8'),
        (dict(image_bgr=None), 'image_bgr is NoneType'),
        (dict(keypoints=np.zeros((1, 17, 2))), r'\(1, 17, 2\).*\(P, 2, 2\).*pair'),
        (dict(scores=np.ones((1, 3))), r'scores .*\(1, 3\).*\(1, 2\)'),
        (dict(table='coco'), "table is str 'coco'; expected a KeypointTable"),
        (dict(boxes=np.zeros((2, 4))), r'boxes .*\(2, 4\).*\(1, 4\)'),
        (dict(radius=0), 'radius is 0'),
        (dict(radius=np.nan), 'radius is nan'),
        (dict(thickness=1.5), 'thickness is 1.5'),
        (dict(opacity=1.2), 'opacity is 1.2; expected a number from 0 to 1'),
        (dict(style='dots'), "style is 'dots'"),
    ],
)
def test_bad_arguments(change, message):
    arguments = dict(
        image_bgr=blank(),
        keypoints=np.zeros((1, 2, 2)),
        scores=np.ones((1, 2)),
        table=PAIR,
    )
    with pytest.raises(ValueError, match=message):
        draw_keypoints(**{**arguments, **change})
