"""align_depth against SciPy's solvers, known scales and hand-made cases."""

import numpy as np
import pytest
from scipy.optimize import least_squares, lsq_linear

pytest.importorskip('mmseg')

from sapiens_mm.geometry import align_depth, depth_errors  # noqa: E402


def scene(seed=0, hw=(23, 17)):
    """A depth in metres, a noisy prediction of it, and a mask of people."""
    rng = np.random.default_rng(seed)
    target = rng.uniform(1.5, 3.5, hw)
    prediction = 0.4 * target - 0.5 + rng.normal(0, 0.05, hw)
    return prediction, target, rng.uniform(size=hw) < 0.6


@pytest.mark.parametrize('space', ['depth', 'inverse'])
@pytest.mark.parametrize('align', ['scale', 'scale_shift'])
def test_the_fit_is_that_of_scipy(align, space):
    prediction, target, mask = scene()
    columns = [prediction[mask], np.ones(mask.sum())][: 1 + (align == 'scale_shift')]
    goal = target[mask] if space == 'depth' else 1 / target[mask]
    solved = lsq_linear(np.stack(columns, 1), goal).x
    got = align_depth(prediction, target, mask, align, space, clip=1e6)
    assert [got.scale, got.shift] == pytest.approx([*solved, 0][:2], rel=1e-9)
    expected = solved[0] * prediction + (solved[1] if len(solved) > 1 else 0)
    if space == 'inverse':
        expected = np.where(expected > 0, 1 / expected, target[mask].max() * 1e6)
    expected = np.clip(expected, target[mask].min() / 1e6, target[mask].max() * 1e6)
    np.testing.assert_allclose(got.depth, expected, rtol=1e-9)


def test_no_other_scale_and_shift_has_a_smaller_error():
    prediction, target, mask = scene(1)
    got = align_depth(prediction, target, mask)

    def residuals(parameters):
        return parameters[0] * prediction[mask] + parameters[1] - target[mask]

    searched = least_squares(residuals, [1.0, 0.0], xtol=1e-14, ftol=1e-14)
    assert searched.x == pytest.approx([got.scale, got.shift], rel=1e-6)
    rmse = depth_errors(got.depth, target, mask)['rmse']
    assert rmse == pytest.approx(np.sqrt(2 * searched.cost / mask.sum()), rel=1e-9)


@pytest.mark.parametrize('dtype', [np.float64, np.float32])
@pytest.mark.parametrize('fit', ['least_squares', 'median'])
@pytest.mark.parametrize(
    ('space', 'scale', 'shift'),
    [('depth', 1.7, 0.9), ('depth', 250.0, 180.0), ('inverse', 0.3, 0.2)],
)
def test_noise_free_data_gives_the_true_scale_and_shift(
    space, scale, shift, fit, dtype
):
    rng = np.random.default_rng(2)
    prediction = rng.uniform(0, 1, (31, 29)).astype(dtype)
    target = scale * prediction.astype(float) + shift
    target = target if space == 'depth' else 1 / target
    mask = rng.uniform(size=prediction.shape) < 0.5
    clip = None if space == 'depth' else 10.0
    got = align_depth(prediction, target, mask, 'scale_shift', space, fit, clip)
    assert got.scale == pytest.approx(scale, rel=1e-6)
    assert got.shift == pytest.approx(shift, rel=1e-6)
    assert depth_errors(got.depth, target, mask)['rmse'] < 1e-10 * scale
    assert (got.clipped, got.constant) == (0, False)


def test_a_far_away_person_keeps_the_digits():
    """A spread of 1e-4 about a mean of 1000 costs uncentred equations all digits."""
    prediction = 1000 + 1e-4 * np.random.default_rng(3).uniform(size=(40, 40))
    got = align_depth(prediction, 2.0 * prediction - 1990)
    assert got.scale == pytest.approx(2, rel=1e-6)


def test_medians_by_hand():
    prediction, target = np.array([1.0, 2.0, 9.0]), np.array([4.0, 5.0, 6.0])
    got = align_depth(prediction, target, align='scale', fit='median')
    assert (got.scale, got.shift) == (2.5, 0)
    # deviations from 2: 1, 0, 7, mean 8/3; from 5: 1, 0, 1, mean 2/3
    got = align_depth(prediction, target, fit='median')
    assert [got.scale, got.shift] == pytest.approx([0.25, 4.5])
    assert got.depth == pytest.approx([4.75, 5, 6.75])


def test_outliers_move_the_squares_and_not_the_medians():
    rng = np.random.default_rng(4)
    prediction = rng.uniform(1, 2, 1001)
    target = 3 * prediction
    prediction[:50] = 80  # a twentieth is far off
    median = align_depth(prediction, target, align='scale', fit='median')
    squares = align_depth(prediction, target, align='scale')
    assert abs(median.scale - 3) < 0.15 < abs(squares.scale - 3)


def test_spaces_differ():
    prediction, target, mask = scene(5)
    by_depth = align_depth(prediction, target, mask)
    by_inverse = align_depth(prediction, target, mask, space='inverse', clip=10)
    assert by_depth.scale > 0 > by_inverse.scale  # near and far turn around
    errors = [depth_errors(a.depth, target, mask) for a in (by_depth, by_inverse)]
    assert errors[0]['rmse'] < 0.95 * errors[1]['rmse']


def test_invert_takes_the_reciprocal_first():
    prediction, target, mask = scene(6)
    disparity = 1 / (prediction + 2)
    got = align_depth(disparity, target, mask, invert=True)
    plain = align_depth(prediction + 2, target, mask)
    assert got.scale == pytest.approx(plain.scale, rel=1e-12)
    np.testing.assert_allclose(got.depth, plain.depth, rtol=1e-12)
    metric = align_depth(target, target, mask, 'none', 'inverse', clip=2, invert=True)
    np.testing.assert_allclose(metric.depth[mask], target[mask], rtol=1e-12)


def test_clip_bounds_what_has_no_depth():
    target = np.array([1.0, 2.0, 4.0])
    prediction = np.array([1.0, -0.5, 0.0])  # as inverse depth: 1, none, none
    got = align_depth(prediction, target, align='none', space='inverse', clip=3)
    assert got.depth.tolist() == [1, 12, 12]
    assert got.clipped == 2
    got = align_depth(np.array([0.1, 2, 99]), target, align='none', clip=3)
    assert got.depth.tolist() == pytest.approx([1 / 3, 2, 12])
    assert align_depth(np.array([0.1, 2, 99]), target, align='none').depth[2] == 99


def test_a_constant_prediction_gets_the_mean():
    _, target, mask = scene(7)
    got = align_depth(np.full(target.shape, 0.3), target, mask)
    assert got.constant and got.scale == 0
    assert got.depth[0, 0] == pytest.approx(target[mask].mean())
    rmse = depth_errors(got.depth, target, mask)['rmse']
    assert rmse == pytest.approx(target[mask].std())
    zero = align_depth(np.zeros(target.shape), target, mask, 'scale')
    assert zero.constant and (zero.depth == 0).all()
    # a single pixel has no scale either
    assert align_depth(np.array([0.2, 0.9]), np.array([3.0, 0.0])).constant


def test_invalid_targets_are_left_out():
    prediction, target, mask = scene(8)
    expected = align_depth(prediction, target, mask)
    spoiled = target.copy()
    spoiled[~mask] = np.resize([np.nan, np.inf, 0, -1], (~mask).sum())
    prediction = np.where(mask, prediction, np.nan)
    for given in (None, np.ones_like(mask), mask):
        got = align_depth(prediction, spoiled, given)
        assert (got.scale, got.shift) == (expected.scale, expected.shift)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(align='affine'), 'align must be one of none, scale, scale_shift'),
        (dict(space='disparity'), 'space must be one of depth, inverse'),
        (dict(fit='l1'), 'fit must be one of least_squares, median'),
        (dict(space='inverse'), 'needs clip'),
        (dict(clip=1), 'clip must be a number above 1'),
        (dict(clip=True), 'clip must be a number above 1'),
        (dict(mask=np.zeros((2, 2), bool)), 'no valid pixel'),
        (dict(mask=np.ones((3, 2), bool)), r'mask has shape \(3, 2\)'),
        (dict(target=np.ones(4)), r'target has shape \(4,\)'),
        (dict(prediction=np.array([[1, np.nan], [1, 2]])), 'not finite'),
        (dict(prediction=np.array([[1, 0], [1, 2]]), invert=True), 'above 0'),
    ],
)
def test_wrong_input_is_refused(changes, message):
    given = dict(prediction=np.ones((2, 2)), target=np.ones((2, 2)))
    with pytest.raises(ValueError, match=message):
        align_depth(**{**given, **changes})
