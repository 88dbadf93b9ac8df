"""What runs when config, checkpoint or both are left out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from sapiens_mm import apis, config_path
from sapiens_mm.apis import choose
from sapiens_mm.apis.choose import choose_model
from sapiens_mm.apis.map_masks import recognise_parts
from sapiens_mm.checkpoints import (
    bundled,
    read_checkpoint,
    resolve,
    write_checkpoint,
)
from sapiens_mm.checkpoints.bundled import NOTE, BundledModel
from sapiens_mm.runs.jobs import ModelRequest, plan_jobs
from sapiens_mm.testing import build_model, fake_person_image

INFERENCERS = {
    'pose': apis.PoseInferencer,
    'seg': apis.SegInferencer,
    'depth': apis.DepthInferencer,
    'normal': apis.NormalInferencer,
}
MODELS = {
    'pose': BundledModel('pose', 'own308', 'pose/sapiens_tiny_synth308-256x192'),
    'seg': BundledModel('seg', 'own28', 'seg/sapiens_tiny_synth28-256x192'),
    'depth': BundledModel('depth', 'own_depth', 'depth/sapiens_tiny_synth-256x192'),
    'normal': BundledModel('normal', 'own_normal', 'normal/sapiens_tiny_synth-256x192'),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Weights of formulas, as if they were bundled."""
    folder = tmp_path_factory.mktemp('weights')
    for own in MODELS.values():
        model = build_model(Config.fromfile(config_path(own.config)))
        path = folder / own.path.name
        write_checkpoint(path, model.state_dict(), None, dtype=torch.float16)
    return folder


@pytest.fixture
def weights(folder, monkeypatch):
    monkeypatch.setattr(bundled, 'WEIGHTS', folder)
    monkeypatch.setattr(bundled, 'BUNDLED', MODELS)
    return folder


@pytest.mark.parametrize('task', INFERENCERS)
def test_the_bundled_model_runs_by_default_and_says_so(task, weights):
    with pytest.warns(UserWarning, match=NOTE):
        model = INFERENCERS[task](device='cpu')
    own = MODELS[task]
    assert model.config.filename.endswith(f'{own.config}.py')
    stored = build_model(Config.fromfile(config_path(own.config))).state_dict()
    for name, value in model.model.state_dict().items():
        assert torch.equal(value, stored[name].half().float()), name


def test_named_by_config_name_or_checkpoint_they_are_the_same(weights):
    photo = fake_person_image(0, (80, 60))
    own = MODELS['depth']
    with pytest.warns(UserWarning, match=NOTE):
        first = apis.DepthInferencer(own.config, device='cpu')(photo).depth
    for checkpoint in (own.name, str(own.path), own.path):
        second = apis.DepthInferencer(checkpoint=checkpoint, device='cpu')(photo)
        np.testing.assert_array_equal(first, second.depth)
    assert resolve(own.name) == own.path


def test_a_config_is_the_same_by_name_and_by_path(weights):
    own = MODELS['depth']
    file = config_path(own.config)
    for config in (own.config, f'{own.config}.py', Path(own.config), str(file), file):
        with pytest.warns(UserWarning, match=NOTE):
            assert choose_model('depth', config, None) == (own.config, own.path)
    other = Path('depth/sapiens_0.3b_render_people-1024x768')
    assert choose_model('depth', other, None) == (other, None)
    loaded = Config.fromfile(file)  # which may have been changed since
    assert choose_model('depth', loaded, None) == (loaded, None)
    with pytest.raises(ValueError, match="No config 'depth/nothing'"):
        choose_model('depth', Path('depth/nothing'), None)


def test_a_checkpoint_is_opened_once_to_tell_what_it_is(weights, monkeypatch):
    opened = []

    def read(path):
        opened.append(path)
        return read_checkpoint(path)

    monkeypatch.setattr(choose, 'read_checkpoint', read)
    path = MODELS['seg'].path
    (job,) = plan_jobs(ModelRequest(checkpoint=(str(path),)))
    assert (job.task, job.config, job.checkpoint) == ('seg', MODELS['seg'].config, path)
    assert opened == [path]
    assert recognise_parts(path).config_name() == MODELS['seg'].config
    with pytest.raises(ValueError, match='masks need a model of body parts'):
        recognise_parts(MODELS['pose'].path)


def test_another_config_without_weights_stays_random(weights, tiny):
    with pytest.warns(UserWarning, match='random weights'):
        apis.DepthInferencer(tiny('depth')[0], device='cpu')


def test_a_checkpoint_alone_must_be_of_the_task_and_of_ours(weights, tiny):
    with pytest.raises(ValueError, match='308 keypoints, not one of seg'):
        apis.SegInferencer(checkpoint=MODELS['pose'].name, device='cpu')
    with pytest.raises(ValueError, match='name its config, it is none of ours'):
        apis.SegInferencer(checkpoint=tiny('seg')[1], device='cpu')


@pytest.mark.parametrize('task', MODELS)
def test_features_of_a_checkpoint_of_any_task(task, weights):
    photo = fake_person_image(0, (80, 60))
    own = MODELS[task]
    named = apis.FeatureInferencer(own.config, own.path, device='cpu')
    alone = apis.FeatureInferencer(None, own.path, device='cpu')
    np.testing.assert_array_equal(named(photo).features, alone(photo).features)


def test_the_table_names_what_is_there():
    for task, own in bundled.BUNDLED.items():
        assert own.task == task
        assert own.path.is_file(), f'{own.name} is promised and not shipped'
        assert config_path(own.config).is_file()


def test_missing_weights_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, 'WEIGHTS', tmp_path)
    monkeypatch.setattr(bundled, 'BUNDLED', MODELS)
    with pytest.raises(ValueError, match='the installation is incomplete'):
        apis.PoseInferencer(device='cpu')
    with pytest.raises(ValueError, match="No weights are bundled for 'mae'"):
        bundled.bundled_for('mae')
