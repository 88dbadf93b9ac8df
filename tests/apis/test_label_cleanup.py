"""Hand-made maps: a digit is a class, a dot the background."""

import time

import numpy as np
import pytest

from sapiens_mm.apis.label_cleanup import CleanUp, follow_labels


def grid(text):
    rows = text.replace('.', '0').split()
    return np.array([[int(digit) for digit in row] for row in rows], np.uint8)


def check(cleanup, before, after, **kwargs):
    labels = grid(before)
    kept = labels.copy()
    result = cleanup(labels, **kwargs)
    np.testing.assert_array_equal(result, grid(after))
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(labels, kept)  # the input is left alone
    np.testing.assert_array_equal(cleanup(labels, **kwargs), result)


SPECKS = """
    1111......
    1111..1...
    1111......
    .....222..
    .1...2122.
    .....222..
"""


def test_small_pieces_take_the_label_around_them():
    after = """
        1111......
        1111......
        1111......
        .....222..
        .....2222.
        .....222..
    """
    check(CleanUp(keep=0.1, max_hole=0), SPECKS, after)
    check(CleanUp(keep=0, min_area=2, max_hole=0), SPECKS, after)


def test_keep_is_a_share_of_the_largest_piece():
    text = '1111.11.1'
    check(CleanUp(keep=0, max_hole=0), text, text)
    check(CleanUp(keep=0.25, max_hole=0), text, text)
    check(CleanUp(keep=0.26, max_hole=0), text, '1111.11..')
    check(CleanUp(keep=1, max_hole=0), text, '1111.....')
    check(CleanUp(keep=1, max_hole=0), '11.11', '11.11')  # equals stay


def test_corners_connect_a_part():
    check(CleanUp(keep=1, max_hole=0), '11. ..1 1..', '11. ..1 ...')


def test_the_longest_border_decides():
    # of eight neighbours five are 3, three are 2
    check(CleanUp(keep=1, max_hole=0), '2223 3133 3333 1111', '2223 3333 3333 1111')


def test_neighbouring_specks_go_together():
    before = """
        33333...
        31233...
        33333...
        .....111
        .....222
    """
    after = """
        33333...
        33333...
        33333...
        .....111
        .....222
    """
    check(CleanUp(keep=0.5, max_hole=0), before, after)


def test_where_nothing_remains_is_background():
    check(CleanUp(min_area=5, max_hole=0), '11 22', '.. ..')
    check(CleanUp(), '... ...', '... ...')


HOLES = """
    1111122222
    1.11122.22
    1111..2222
    1111122222
    .111122222
"""


def test_holes_of_one_part():
    """One is in 1, one in 2; one between them and one at the edge stay."""
    after = """
        1111122222
        1111122222
        1111..2222
        1111122222
        .111122222
    """
    check(CleanUp(keep=0, max_hole=0.1), HOLES, after)
    check(CleanUp(keep=0, max_hole=0), HOLES, HOLES)
    check(CleanUp(keep=0, max_hole=0.04), HOLES, HOLES)  # 1 of 23 or 24 pixels


def test_holes_at_the_edge_stay():
    check(CleanUp(keep=0, max_hole=1), '1.1 111', '1.1 111')


def test_a_hole_is_bounded_over_four_neighbours():
    before, after = '11111 1.111 11.11 11111', '11111 11111 11111 11111'
    check(CleanUp(keep=0, max_hole=1), before, after)


def test_a_speck_in_a_hole_goes_first_and_then_the_hole():
    before = """
        1111111222
        11...11222
        11.2.11222
        11...11222
        1111111222
    """
    after = before.replace('...', '111').replace('.2.', '111')
    check(CleanUp(keep=0.2, max_hole=0.4), before, after)


def test_other_parts_are_no_holes():
    check(CleanUp(keep=0, max_hole=1), '111 121 111', '111 121 111')


def test_unlabelled_pixels_stay():
    labels = grid('11111 1.111 11111')
    labels[1, 2] = 255
    np.testing.assert_array_equal(CleanUp(keep=0, max_hole=1)(labels), labels)


def test_each_person_has_a_largest_piece():
    text = '11111111.22..11.1'
    persons = grid('11111111.11..22.2').astype(np.uint16)
    check(CleanUp(keep=0.3, max_hole=0), text, '11111111.22......')
    check(CleanUp(keep=0.3, max_hole=0), text, text, persons=persons)
    after = '11111111.22..11..'
    check(CleanUp(keep=0.6, max_hole=0), text, after, persons=persons)


def test_persons_follow_the_labels():
    before, after = grid('111.222 1.1.2.2 111.222'), grid('111.22. 111.222 111.222')
    persons = grid('111.222 1.1.2.2 111.222').astype(np.uint16)
    expected = grid('111.22. 111.222 111.222')
    found = follow_labels(persons, before, after)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, expected)


def test_large_noise_takes_seconds_at_most():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 28, (125, 100), dtype=np.uint8)
    labels = np.kron(coarse, np.ones((8, 8), np.uint8))
    started = time.perf_counter()
    result = CleanUp(keep=1)(labels)
    assert time.perf_counter() - started < 20
    assert 0 < (result != labels).mean() < 1


@pytest.mark.parametrize(
    ('value', 'match'),
    [
        (dict(keep=2), 'keep must be 0 to 1, got 2'),
        (dict(max_hole=-0.1), 'max_hole must be 0 to 1'),
        (dict(min_area=-1), 'min_area must be >= 0'),
        (dict(kep=0.1), "dict of keep, min_area, max_hole, got {'kep': 0.1}"),
        ('largest', "got 'largest'"),
    ],
)
def test_wrong_settings(value, match):
    with pytest.raises(ValueError, match=match):
        CleanUp.from_user(value)


def test_settings():
    assert CleanUp.from_user(None) is None and CleanUp.from_user(False) is None
    assert CleanUp.from_user(True) == CleanUp()
    assert CleanUp.from_user(dict(keep=0.2)) == CleanUp(keep=0.2)
