"""Figures of a data set, counted by hand."""

import json

import numpy as np
import pytest

from sapiens_mm.synth.dataset.stats import collect
from sapiens_mm.synth.dataset.stats_chart import SIZE_HW, draw_stats
from sapiens_mm.tables import GOLIATH308


def person(subject, seen, height, **facts):
    keypoints = np.zeros((308, 3))
    for k, v in seen.items():
        keypoints[k] = 1, 1, v
    return {
        'subject': subject,
        'bbox': [0, 0, 10, height],
        'keypoints': keypoints.ravel().tolist(),
        'facts': facts,
    }


def image(split, pixels, people, **facts):
    counts = [0] * 28
    for k, value in pixels.items():
        counts[k] = value
    return {
        'split': split,
        'height': 100,
        'class_pixels': counts,
        'people': people,
        'facts': facts,
    }


@pytest.fixture
def stats():
    return collect(
        [
            image(
                'train',
                {0: 60, 2: 40},
                [
                    person('a', {0: 2, 1: 2}, 50, pose='walk:0.3', yaw_deg=-170.0),
                    person('b', {0: 2, 1: 1}, 100, pose='sit', yaw_deg=10.0),
                ],
                framing='full',
                outdoor=True,
            ),
            image(
                'val',
                {0: 90, 2: 5, 27: 5},
                [person('c', {0: 1}, 20, pose='walk:0.7', yaw_deg=14.9)],
                framing='face',
                outdoor=True,
            ),
            image(
                'train',
                {0: 100},
                [person('d', {0: 2}, 20, head_yaw_deg=0.0)],
                framing='face',
                outdoor=False,
            ),
        ]
    )


def test_counts(stats):
    found = json.loads(json.dumps(stats.as_dict()))
    assert (found['images'], found['people']) == (3, 4)
    assert found['splits'] == {
        'train': {'images': 2, 'people': 3, 'subjects': 3},
        'val': {'images': 1, 'people': 1, 'subjects': 1},
    }
    assert found['classes']['Face_Neck'] == {'pixels': 45, 'share': 0.15, 'images': 2}
    assert found['classes']['Tongue'] == {'pixels': 5, 'share': 0.016667, 'images': 1}
    assert found['keypoints']['nose'] == {'outside': 0, 'hidden': 0.25, 'visible': 0.75}
    assert found['keypoints']['left_eye'] == {
        'outside': 0.5,
        'hidden': 0.25,
        'visible': 0.25,
    }
    assert found['facts'] == {
        'framing': {'face': 2, 'full': 1},
        'outdoor': {'False': 1, 'True': 2},
        'people in an image': {'1': 2, '2': 1},
        'person pose': {'sit': 1, 'walk': 2},
    }


def test_histograms(stats):
    found = stats.as_dict()
    yaw = dict(zip(found['yaw_deg']['edges'], found['yaw_deg']['counts'], strict=False))
    assert (yaw[-180], yaw[0], sum(yaw.values())) == (1, 2, 3)
    head = found['head_yaw_deg']
    assert head['counts'][head['edges'].index(0)] == sum(head['counts']) == 1
    scale = found['scale']
    by_edge = dict(zip(scale['edges'], scale['counts'], strict=False))
    # a box of the whole height belongs to the last one
    assert (by_edge[0.2], by_edge[0.5], by_edge[0.95]) == (2, 1, 1)


def test_what_is_absent_or_rare(stats):
    absent = stats.absent_classes()
    assert len(absent) == 25
    assert not {'Background', 'Face_Neck', 'Tongue'} & set(absent)
    rare = stats.rare_keypoints(0.5)
    assert len(rare) == 307 and rare['left_eye'] == 0.25
    assert list(rare)[-1] == 'left_eye' and 'nose' not in rare
    assert set(rare) < set(GOLIATH308.names)


def test_bars_of_the_image_are_as_long_as_the_figures(stats):
    picture = draw_stats(stats)
    assert picture.shape == (*SIZE_HW, 3)
    # visible is drawn from the bottom: nose 75 %, left_eye 25 %, the rest nothing
    rows = (picture[720:1090] == (150, 120, 40)).all(2)
    height = 1090 - 720
    assert rows[:, 72].sum() == pytest.approx(0.75 * height, abs=5)
    assert rows[:, 77].sum() == pytest.approx(0.25 * height, abs=5)
    assert not rows[:-1, 200].any()


def test_figures_of_rendered_samples(synth_folder, synth_samples):
    found = json.loads((synth_folder / 'stats.json').read_text())
    samples = synth_samples.values()
    assert found['images'] == len(synth_samples)
    assert found['people'] == sum(len(sample.people) for sample in samples)
    pixels = sum(np.bincount(s.labels.ravel(), minlength=28) for s in samples)
    assert [c['pixels'] for c in found['classes'].values()] == pixels.tolist()
    seen = np.mean([p.keypoints[0, 2] == 2 for s in samples for p in s.people])
    assert found['keypoints']['nose']['visible'] == pytest.approx(seen, abs=1e-6)
    yaws = [person.metadata['yaw_deg'] for s in samples for person in s.people]
    counts = np.histogram(yaws, found['yaw_deg']['edges'])[0]
    assert found['yaw_deg']['counts'] == counts.tolist()
