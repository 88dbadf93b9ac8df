"""The small models on synthetic people: every size in a config is that of its name."""

from pathlib import Path

import pytest
from config_util import build, load

from sapiens_mm.checkpoints import identify
from sapiens_mm.paths import config_names

TINY = [
    name
    for name in config_names()
    if '/sapiens_tiny_' in name and not name.startswith(('mae/', 'multitask/'))
]
MIXED = [name for name in TINY if '_mixed-' in name]  # several data sets
SIZES = ((256, 192), (512, 384))
DETECTORS = [name for name in config_names() if '/rtmdet_tiny_' in name]


def size_of(name):
    height, width = map(int, name.rpartition('-')[2].split('x'))
    return height, width


def pipelines(cfg):
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        for part in dataset.get('datasets', [dataset]):
            yield part.pipeline
    yield cfg.test_pipeline


def test_there_is_one_of_each_task_and_size():
    tasks = [(n.partition('/')[0], size_of(n)) for n in TINY if n not in MIXED]
    wanted = [(t, hw) for t in ('depth', 'normal', 'pose', 'seg') for hw in SIZES]
    assert sorted(tasks) == sorted(wanted)
    assert sorted(map(size_of, MIXED)) == [(192, 144), (256, 192)]
    assert sorted(map(size_of, DETECTORS)) == [(320, 320), (640, 640)]


@pytest.mark.parametrize('name', TINY)
def test_models_and_pipelines_have_the_size_of_their_name(name):
    cfg = load(name)
    height, width = size_of(name)
    model = build(cfg)
    assert model.backbone.img_size == (height, width)
    if cfg.default_scope == 'mmpose':
        doubled = 2 ** len(cfg.model.head.deconv_out_channels)
        grid = [side // 16 * doubled for side in (width, height)]
        assert list(cfg.model.head.decoder.heatmap_size) == grid
    # the checkpoint of a training names the config it came from
    config = name.replace('_mixed', '')
    fitting = (config,) if size_of(name) in SIZES else ()
    assert identify(model.state_dict()).config_names() == fitting
    for pipeline in pipelines(cfg):
        found = {}
        for step in pipeline:
            for key in ('scale', 'crop_size', 'input_size'):
                if key in step:
                    found[key] = tuple(step[key])
            codec = step.get('encoder')
            if codec:
                assert codec == cfg.model.head.decoder
                assert tuple(codec.input_size) == (width, height)
        assert found.pop('crop_size', (height, width)) == (height, width)
        assert set(found.values()) == {(width, height)}
    # trained from nothing: no layer is held back, and no file is asked for
    assert cfg.model.backbone.get('init_cfg') is None
    assert cfg.optim_wrapper.paramwise_cfg.layer_decay_rate == 1.0
    assert cfg.param_scheduler[1].end == cfg.train_cfg.max_epochs


@pytest.mark.parametrize('name', MIXED)
def test_mixed_data_are_prepared_alike(name):
    datasets = load(name).train_dataloader.dataset.datasets
    assert [Path(part.data_root).name for part in datasets] == [
        'synth_humans',
        'synth_small',
        'synth_active',
    ]
    for part in datasets:
        assert {**part, 'data_root': ''} == {**datasets[0], 'data_root': ''}
        steps = [step.type for step in part.pipeline]
        assert steps.index('RandomGrayscale') < steps.index('PackPoseInputs')


@pytest.mark.parametrize('name', DETECTORS)
def test_detectors_have_the_size_of_their_name(name):
    cfg = load(name)
    height, width = size_of(name)
    for pipeline in pipelines(cfg):
        for step in pipeline:
            for key in ('scale', 'crop_size', 'img_scale', 'size'):
                if key in step:
                    assert tuple(step[key]) == (width, height), step
    assert cfg.model.bbox_head.num_classes == 1
    assert cfg.model.backbone.init_cfg is None
    assert cfg.train_dataloader.dataset.metainfo == dict(classes=('person',))
