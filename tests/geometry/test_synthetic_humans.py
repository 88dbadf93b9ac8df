"""Synthetic people: maps read by our data set, and rendered ones."""

import numpy as np
import pytest

pytest.importorskip('mmseg')
pytest.importorskip('numba')

from mmengine.registry import DATASETS, DefaultScope

from sapiens_mm.geometry import SapiensMapDataset, SapiensSyntheticHumansMaps
from sapiens_mm.synth.sample import render
from sapiens_mm.testing import tiny_config

LOAD = [
    dict(type='LoadImageFromFile'),
    dict(type='sapiens_mm.SapiensLoadMap'),
    dict(type='sapiens_mm.SapiensPackMap'),
]


def read_folder(root, kind, split, folder, **kwargs):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return SapiensMapDataset(
            kind,
            data_root=str(root),
            data_prefix=dict(img_path=f'images/{split}/', map_path=f'{folder}/{split}'),
            pipeline=LOAD,
            **kwargs,
        )


def values_of(packed):
    sample = packed['data_samples']
    return sample.gt_map.data.numpy(), sample.gt_mask.data.numpy()[0]


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_depth_folders_are_read_as_rendered(
    synth_folder, synth_settings, synth_samples, split
):
    dataset = read_folder(
        synth_folder, 'depth', split, 'depth', map_scale=0.0005, depth_unit='m'
    )
    indices = [i for i in synth_samples if synth_settings.split_of(i) == split]
    assert len(dataset) == len(indices) > 0
    for position, index in enumerate(indices):
        depth, mask = values_of(dataset[position])
        sample = synth_samples[index]
        np.testing.assert_array_equal(mask, sample.labels > 0)
        # half a unit, and float32
        np.testing.assert_allclose(depth[0], sample.depth, atol=0.000251)


@pytest.mark.parametrize('bump', [False, True])
def test_normal_folders_are_read_as_rendered(
    synth_folder, synth_settings, synth_samples, bump
):
    folder, field = ('normal_bump', 'normals_bump') if bump else ('normal', 'normals')
    dataset = read_folder(synth_folder, 'normal', 'train', folder)
    indices = [i for i in synth_samples if synth_settings.split_of(i) == 'train']
    assert len(dataset) == len(indices) > 0
    for position, index in enumerate(indices):
        normals, mask = values_of(dataset[position])
        sample = synth_samples[index]
        np.testing.assert_array_equal(mask, sample.labels > 0)
        people = mask > 0
        found = normals.transpose(1, 2, 0)[people].astype(np.float64)
        truth = getattr(sample, field)[people].astype(np.float64)
        cosine = (found * truth).sum(1).clip(-1, 1)
        # a step of 1 / 127.5 in each channel: 0.4 degrees at most
        assert np.degrees(np.arccos(cosine)).max() < 0.45


def test_axes_of_the_normals_are_measured_as_ours(synth_folder):
    dataset = read_folder(synth_folder, 'normal', 'train', 'normal', axes='auto')
    assert dataset.map_format['axes'] == 'x y z'


@pytest.mark.parametrize(
    ('kind', 'bump', 'field'),
    [
        ('depth', False, 'depth'),
        ('normal', False, 'normals'),
        ('normal', True, 'normals_bump'),
    ],
)
def test_rendered_maps_are_the_sample_s(kind, bump, field):
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = SapiensSyntheticHumansMaps(
            kind, 3, seed=3, size_hw=(128, 96), bump=bump, pipeline=LOAD
        )
    dataset.set_epoch(2)
    packed, sample = dataset[1], render(3, 7, size_hw=(128, 96))
    values, mask = values_of(packed)
    truth = getattr(sample, field)
    truth = truth[None] if truth.ndim == 2 else truth.transpose(2, 0, 1)
    np.testing.assert_array_equal(values, truth)
    np.testing.assert_array_equal(mask, sample.labels > 0)
    image = packed['inputs'].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(image, sample.image)


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize('kind', ['depth', 'normal'])
def test_the_live_configs_build_their_pipelines(kind, split):
    cfg = tiny_config(f'{kind}/sapiens_0.3b_synth_live-1024x768')
    spec = cfg[f'{split}_dataloader'].dataset
    spec.update(length=2, size_hw=(128, 96), settings=dict(framing=dict(upper=1)))
    for step in spec.pipeline:
        if 'scale' in step:
            step.scale = (48, 64)  # (W, H)
        if 'crop_size' in step:
            step.crop_size = (64, 48)
    with DefaultScope.overwrite_default_scope('mmseg'):
        packed = DATASETS.build(spec)[0]
    values, mask = values_of(packed)
    assert packed['inputs'].shape == (3, 64, 48)
    assert mask.shape == ((64, 48) if split == 'train' else (128, 96))
    people = mask > 0
    assert people.any()
    if kind == 'normal':
        lengths = np.linalg.norm(values[:, people], axis=0)
        np.testing.assert_allclose(lengths, 1, atol=1e-4)
    elif split == 'train':  # relative: near 0, far 1
        assert (values[0][people].min(), values[0][people].max()) == (0, 1)
        assert (values[0][~people] == -1).all()
    else:
        assert 0.1 < values[0][people].min() < values[0][people].max() < 20


def test_wrong_arguments():
    with pytest.raises(ValueError, match='kind must be one of'):
        SapiensSyntheticHumansMaps('albedo', 3)
    with pytest.raises(ValueError, match='bump is for normals'):
        SapiensSyntheticHumansMaps('depth', 3, bump=True)


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize('kind', ['depth', 'normal'])
def test_the_shipped_configs_read_the_layout(
    synth_folder, synth_settings, synth_samples, kind, split
):
    cfg = tiny_config(f'{kind}/sapiens_0.3b_synth-1024x768')
    spec = cfg[f'{split}_dataloader'].dataset
    assert spec.data_root == 'data/synth_humans/'
    spec.update(data_root=str(synth_folder), pipeline=LOAD)
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(spec)
    indices = [i for i in synth_samples if synth_settings.split_of(i) == split]
    assert len(dataset) == len(indices)
    values, _ = values_of(dataset[0])
    if kind == 'depth':  # the unit of the config is that of the tool
        np.testing.assert_allclose(
            values[0], synth_samples[indices[0]].depth, atol=0.000251
        )
        assert dataset[0]['data_samples'].depth_unit == 'm'
    else:
        assert values.shape == (3, 128, 96)
