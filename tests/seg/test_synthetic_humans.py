"""Synthetic people: labels read by our data set, and rendered ones."""

import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')
pytest.importorskip('numba')

from mmcv.transforms import LoadImageFromFile
from mmengine.registry import DATASETS, DefaultScope

from sapiens_mm.engine.epoch_seed_hook import set_epoch
from sapiens_mm.seg import SapiensPartDataset, SapiensSyntheticHumansSeg
from sapiens_mm.synth.sample import render
from sapiens_mm.tables import part_table
from sapiens_mm.testing import tiny_config

LOAD = [
    dict(type='LoadImageFromFile'),
    dict(type='sapiens_mm.SapiensLoadLabels'),
    dict(type='PackSegInputs'),
]


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_folders_are_read_as_rendered(
    synth_folder, synth_settings, synth_samples, split
):
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = SapiensPartDataset(
            'goliath28',
            data_root=str(synth_folder),
            data_prefix=dict(
                img_path=f'images/{split}/', seg_map_path=f'labels/{split}/'
            ),
            pipeline=LOAD,
        )
    indices = [i for i in synth_samples if synth_settings.split_of(i) == split]
    assert len(dataset) == len(indices) > 0
    for position, index in enumerate(indices):
        packed, sample = dataset[position], synth_samples[index]
        labels = packed['data_samples'].gt_sem_seg.data[0].numpy()
        np.testing.assert_array_equal(labels, sample.labels)
        image = packed['inputs'].permute(1, 2, 0).numpy().astype(int)
        # a JPEG of quality 92 between them
        assert np.abs(image - sample.image).mean() < 6


def rendered(**kwargs):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return SapiensSyntheticHumansSeg(3, seed=3, size_hw=(128, 96), **kwargs)


@pytest.mark.parametrize(
    'loader',
    [
        *('LoadImageFromFile', 'mmcv.LoadImageFromFile', LoadImageFromFile),
        'sapiens_mm.SapiensLoadImage',
    ],
)
def test_rendered_labels_are_the_sample_s(loader):
    dataset = rendered(pipeline=[dict(type=loader), *LOAD[1:]])
    for epoch in (0, 1):
        set_epoch(dataset, epoch)
        packed, sample = dataset[2], render(3, 3 * epoch + 2, size_hw=(128, 96))
        labels = packed['data_samples'].gt_sem_seg.data[0].numpy()
        np.testing.assert_array_equal(labels, sample.labels)
        image = packed['inputs'].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(image, sample.image)
    assert dataset.metainfo['classes'] == part_table('goliath28').classes


def test_validation_has_the_same_images_in_every_epoch():
    dataset = rendered(pipeline=LOAD, test_mode=True)
    before = dataset[0]['inputs']
    set_epoch(dataset, 4)
    assert torch.equal(dataset[0]['inputs'], before)


def test_loader_processes_render_the_same_images():
    dataset = rendered(pipeline=LOAD)
    dataset.set_epoch(1)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=None, num_workers=2, shuffle=False
    )
    for index, packed in enumerate(loader):
        assert torch.equal(packed['inputs'], dataset[index]['inputs'])
    assert index == 2


def test_the_epoch_reaches_data_sets_within_others():
    class Wrapper:
        def __init__(self, **inner):
            self.__dict__.update(inner)

    first, second = rendered(), rendered()
    set_epoch(Wrapper(datasets=[Wrapper(dataset=first), second, object()]), 7)
    assert (first.humans.epoch, second.humans.epoch) == (7, 7)
    assert first.humans.number_of(2) == 23


def test_the_hook_says_the_epoch():
    from types import SimpleNamespace

    from sapiens_mm.engine import SapiensEpochSeedHook

    dataset = rendered()
    loader = SimpleNamespace(
        dataset=dataset, persistent_workers=False, worker_init_fn=None
    )
    runner = SimpleNamespace(train_dataloader=loader, seed=0, epoch=5)
    SapiensEpochSeedHook().before_train_epoch(runner)
    assert dataset.humans.epoch == 5


@pytest.mark.parametrize('split', ['train', 'val'])
def test_the_live_config_builds_its_pipeline(split):
    cfg = tiny_config('seg/sapiens_0.3b_synth28_live-1024x768')
    spec = cfg[f'{split}_dataloader'].dataset
    spec.update(length=2, size_hw=(128, 96))
    for step in spec.pipeline:
        if 'scale' in step:
            step.scale = (48, 64)  # (W, H)
        if 'crop_size' in step:
            step.crop_size = (64, 48)
    with DefaultScope.overwrite_default_scope('mmseg'):
        packed = DATASETS.build(spec)[0]
    assert packed['inputs'].shape == (3, 64, 48)
    labels = packed['data_samples'].gt_sem_seg.data[0].numpy()
    if split == 'val':  # figures are taken at the size of the image
        sample = render(1, 0, size_hw=(128, 96))
        np.testing.assert_array_equal(labels, sample.labels)
    else:
        assert labels.shape == (64, 48)
        assert set(np.unique(labels)) <= {*range(28), 255}
        assert np.unique(labels).size > 2


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r'size_hw is \(32, 32\)'):
        SapiensSyntheticHumansSeg(3, size_hw=(32, 32))
    with pytest.raises(TypeError, match='data_roots'):
        SapiensSyntheticHumansSeg(3, data_roots='x')


@pytest.mark.parametrize('split', ['train', 'val'])
def test_the_shipped_config_reads_the_layout(synth_folder, split):
    cfg = tiny_config('seg/sapiens_0.3b_synth28-1024x768')
    spec = cfg[f'{split}_dataloader'].dataset
    assert spec.data_root == 'data/synth_humans/'
    steps = [step.type for step in spec.pipeline]
    assert 'sapiens_mm.SapiensRandomBackground' not in steps
    assert steps[0] == 'sapiens_mm.SapiensLoadImage'
    assert 'sapiens_mm.SapiensLoadLabels' in steps
    spec.update(data_root=str(synth_folder), pipeline=LOAD)
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(spec)
    assert len(dataset) == len(list((synth_folder / 'labels' / split).iterdir())) > 0
    assert dataset[0]['data_samples'].gt_sem_seg.data.shape == (1, 128, 96)
