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
DETECTORS = [name for name in config_names() if '/rtmdet_tiny_' in name]
MULTITASK = [name for name in config_names() if name.startswith('multitask/')]
MIXED = [name for name in config_names() if '_mixed-' in name]  # several data sets
SIZES = ((256, 192), (512, 384))
PACKS = ('PackPoseInputs', 'SapiensPackMultitask', 'PackDetInputs')


def size_of(name):
    height, width = map(int, name.rpartition('-')[2].split('x'))
    return height, width


def parts(dataset):
    return dataset.get('datasets', [dataset])


def pipelines(cfg):
    for split in ('train', 'val', 'test'):
        for part in parts(cfg[f'{split}_dataloader'].dataset):
            yield part.pipeline
    yield cfg.test_pipeline


def test_there_is_one_of_each_task_and_size():
    named = [*TINY, *DETECTORS, *MULTITASK]
    tasks = [(n.partition('/')[0], size_of(n)) for n in named if n not in MIXED]
    wanted = [(t, hw) for t in ('depth', 'normal', 'pose', 'seg') for hw in SIZES]
    wanted += [('det', (320, 320)), ('det', (640, 640))]
    wanted += [('multitask', (128, 96)), ('multitask', (256, 192))]
    assert sorted(tasks) == sorted(wanted)
    assert sorted((name.partition('/')[0], size_of(name)) for name in MIXED) == [
        ('det', (224, 224)),
        ('det', (320, 320)),
        *(
            (task, hw)
            for task in ('multitask', 'pose')
            for hw in ((192, 144), SIZES[0])
        ),
    ]


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
        assert steps[-1].rpartition('.')[2] in PACKS
        assert steps.index('RandomGrayscale') < len(steps) - 1


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
    for part in parts(cfg.train_dataloader.dataset):
        assert part.metainfo == dict(classes=('person',))


@pytest.mark.parametrize('name', MULTITASK)
def test_trainings_of_several_tasks_have_the_size_of_their_name(name):
    cfg = load(name)
    height, width = size_of(name)
    model = build(cfg)
    assert model.backbone.img_size == (height, width)
    codec = cfg.model.head.pose.decoder
    assert list(codec.heatmap_size) == [width // 8, height // 8]
    for pipeline in pipelines(cfg):
        for step in pipeline:
            if 'input_size' in step:
                assert tuple(step.input_size) == (width, height), step
            assert step.get('encoder', codec) == codec
