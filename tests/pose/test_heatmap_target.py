"""Heatmaps drawn at once, against the host's, drawn one by one."""

import numpy as np
import pytest
from mmpose.datasets.transforms import GenerateTarget

from sapiens_mm.pose import SapiensHeatmapTarget

INPUT_WH = (192, 256)


def codec(heatmap_wh, sigma, **changes):
    cfg = dict(type='UDPHeatmap', input_size=INPUT_WH, heatmap_size=heatmap_wh)
    return dict(cfg, sigma=sigma, **changes)


def person(rng, count=200):
    """Return keypoints in the crop, at its borders and far beside it."""
    points = rng.uniform((-80, -80), (270, 340), (1, count, 2))
    points[0, :4] = (0, 0), (191, 255), (191.5, 0.5), (-0.5, 255.49)
    visible = rng.choice([0.0, 0.4, 1.0], (1, count)).astype(np.float32)
    visible[0, :4] = 1
    return dict(transformed_keypoints=points, keypoints_visible=visible)


@pytest.mark.parametrize(
    ('heatmap_wh', 'sigma'), [((24, 32), 1.5), ((48, 64), 2), ((48, 64), 3.0)]
)
def test_equals_the_host(heatmap_wh, sigma):
    rng = np.random.default_rng(0)
    for _ in range(5):
        sample = person(rng)
        host = GenerateTarget(encoder=codec(heatmap_wh, sigma))(dict(sample))
        ours = SapiensHeatmapTarget(encoder=codec(heatmap_wh, sigma))(dict(sample))
        assert host['heatmaps'].max() > 0.9
        assert ours['heatmaps'].dtype == host['heatmaps'].dtype
        np.testing.assert_allclose(ours['heatmaps'], host['heatmaps'], atol=1e-6)
        np.testing.assert_array_equal(
            ours['keypoint_weights'], host['keypoint_weights']
        )
        assert ours['keypoint_weights'].dtype == host['keypoint_weights'].dtype


def test_other_codecs_are_refused():
    with pytest.raises(ValueError, match='take GenerateTarget'):
        SapiensHeatmapTarget(encoder=codec((48, 64), 2, heatmap_type='combined'))


def test_takes_one_person():
    rng = np.random.default_rng(0)
    sample = person(rng)
    pair = {name: np.repeat(values, 2, 0) for name, values in sample.items()}
    with pytest.raises(ValueError, match='expected one person, got 2'):
        SapiensHeatmapTarget(encoder=codec((48, 64), 2))(pair)
