"""RTMPose's augmentation with the albumentations that requirements name.

No patch: a newer one runs, and draws other holes without a word. So this is what tells.
"""

import numpy as np
import pytest

pytest.importorskip('albumentations')
transforms = pytest.importorskip('mmpose.datasets.transforms')

OF_RTMPOSE = [
    dict(type='Blur', p=0.1),
    dict(type='MedianBlur', p=0.1),
    dict(
        type='CoarseDropout',
        max_holes=1,
        max_height=0.4,
        max_width=0.4,
        min_holes=1,
        min_height=0.2,
        min_width=0.2,
        p=1.0,
    ),
]


def test_holes_have_the_sizes_that_the_configs_give():
    augment = transforms.Albumentation(transforms=OF_RTMPOSE)
    for _ in range(20):
        image = augment.transform(dict(img=np.full((250, 200, 3), 9, np.uint8)))['img']
        rows, columns = np.nonzero((image == 0).all(axis=2))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width  # one hole
        assert 0.19 * 250 <= height <= 0.41 * 250
        assert 0.19 * 200 <= width <= 0.41 * 200
