"""COCO's run lengths against pycocotools."""

import numpy as np
import pytest

from sapiens_mm.synth.dataset.masks import encode_mask

rle = pytest.importorskip('pycocotools.mask')


def blobs(hw, share, seed):
    """A mask of long and short runs."""
    noise = np.random.default_rng(seed).random(hw)
    return np.add.reduce([np.roll(noise, k, 0) for k in range(5)]) < 5 * share


@pytest.mark.parametrize('hw', [(1, 1), (7, 5), (64, 3), (300, 200)])
@pytest.mark.parametrize('share', [0.1, 0.4, 0.5, 0.6, 0.9])
def test_texts_are_those_of_pycocotools(hw, share):
    mask = blobs(hw, share, 0)
    expected = rle.encode(np.asfortranarray(mask, np.uint8))
    assert encode_mask(mask) == dict(expected, counts=expected['counts'].decode())
    np.testing.assert_array_equal(rle.decode(encode_mask(mask)) > 0, mask)


@pytest.mark.parametrize('corner', ['none', 'all', 'first', 'last', 'middle'])
def test_masks_at_the_borders(corner):
    mask = np.zeros((40, 30), bool)
    if corner == 'all':
        mask[:] = True
    elif corner == 'first':
        mask[0, 0] = True
    elif corner == 'last':
        mask[-1, -1] = True
    elif corner == 'middle':
        mask[:, 10:20] = True
    expected = rle.encode(np.asfortranarray(mask, np.uint8))
    assert encode_mask(mask)['counts'] == expected['counts'].decode()
    assert rle.area(encode_mask(mask)) == mask.sum()
