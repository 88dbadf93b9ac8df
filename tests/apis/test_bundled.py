"""The weights in the package: their size, their configs, and that they have learnt."""

import warnings

import numpy as np
import pytest

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')
pytest.importorskip('numba')

from mmengine.config import Config

from sapiens_mm import apis, config_path
from sapiens_mm.checkpoints import identify, read_checkpoint
from sapiens_mm.checkpoints.bundled import BUNDLED
from sapiens_mm.synth import render
from sapiens_mm.tables.body_parts import PART_IDS_28

INFERENCERS = {
    'pose': apis.PoseInferencer,
    'seg': apis.SegInferencer,
    'depth': apis.DepthInferencer,
    'normal': apis.NormalInferencer,
    'features': apis.FeatureInferencer,
}


@pytest.fixture(scope='module')
def people():
    """People of another seed than the training's, shown whole or to the hips."""
    return [render(2027, index, size_hw=(256, 192)) for index in range(8)]


def model(task):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return INFERENCERS[task](device='cpu')


def test_files_are_small_and_fit_their_configs():
    sizes = {own.task: own.path.stat().st_size / 1e6 for own in BUNDLED.values()}
    assert max(sizes.values()) <= 15 and sum(sizes.values()) <= 60
    for task in set(BUNDLED) - {'det'}:
        found = identify(read_checkpoint(BUNDLED[task].path).state_dict)
        assert (found.task, found.dtype) == (task, 'float16')
        assert found.config_names() == (BUNDLED[task].config,)
        assert Config.fromfile(config_path(BUNDLED[task].config))


def test_they_see_the_mirrored_image_too_unless_told_otherwise(people, tiny):
    own, photo = BUNDLED['pose'], people[0].image
    default, named = model('pose'), apis.PoseInferencer(own.config, own.path)
    plain = apis.PoseInferencer(own.config, own.name, flip_test=False)
    assert default.flip_test and named.flip_test
    assert default.model.test_cfg['flip_test'] and not plain.model.test_cfg['flip_test']
    found = [pose(photo).keypoints for pose in (default, named, plain)]
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0] - found[2]).max() > 0.5  # pixels
    assert model('seg').flip_test
    assert not apis.PoseInferencer(*tiny('pose'), device='cpu').flip_test
    assert not model('features').flip_test


def test_parts_find_people_and_clothes(people):
    """Intersection over union beats that of saying the class everywhere."""
    seg = model('seg')
    names = ('Face_Neck', 'Upper_Clothing')
    classes = [tuple(range(1, 28)), *((PART_IDS_28[name],) for name in names)]
    labels = [(sample.labels, seg(sample.image).labels) for sample in people]
    for ids in classes:
        pairs = [(np.isin(a, ids), np.isin(b, ids)) for a, b in labels]
        common = sum((a & b).sum() for a, b in pairs)
        either = sum((a | b).sum() for a, b in pairs)
        share = np.mean([a.mean() for a, _ in pairs])
        assert common / either > 1.2 * share, ids


def test_normals_beat_the_mean_direction(people):
    normal, errors, constant = model('normal'), [], []
    for sample in people:
        mask = sample.labels > 0
        true = sample.normals[mask]
        found = normal(sample.image).normals[mask]
        mean = true.mean(0) / np.linalg.norm(true.mean(0))
        for guess, to in ((found, errors), (mean, constant)):
            cosine = np.clip((guess * true).sum(-1), -1, 1)
            to.append(np.rad2deg(np.arccos(cosine)).mean())
    assert np.mean(errors) < 0.8 * np.mean(constant)


def test_depth_has_the_order_of_the_truth(people):
    depth, ranks = model('depth'), []
    for sample in people:
        mask = sample.labels > 0
        true, found = sample.depth[mask], depth(sample.image).depth[mask]
        ranks.append(np.corrcoef(rank(true), rank(found))[0, 1])
    assert np.mean(ranks) > 0.35  # of a constant: 0


def rank(values):
    return np.argsort(np.argsort(values))


def test_keypoints_are_nearer_than_the_middle_of_the_box(people):
    pose, errors, constant = model('pose'), [], []
    for sample in people:
        for person in sample.people:
            seen = person.keypoints[:, 2] == 2
            x1, y1, x2, y2 = person.box_xyxy
            found = pose(sample.image, boxes=[person.box_xyxy]).keypoints[0]
            middle = [(x1 + x2) / 2, (y1 + y2) / 2]
            for guess, to in ((found[seen], errors), (middle, constant)):
                off = np.linalg.norm(guess - person.keypoints[seen, :2], axis=1)
                to.append(off.mean() / (y2 - y1))
    assert np.mean(errors) < 0.5 * np.mean(constant)
