"""Options of the command line: starting weights, and keys that lead nowhere."""

import pytest
from mmengine.config import Config

from sapiens_mm.engine.config_options import merge_options

START = 'model.backbone.init_cfg.checkpoint'
PRETRAINED = dict(type='Pretrained', checkpoint='mine.pth')


def config(**backbone):
    return Config(
        dict(
            model=dict(backbone=dict(type='SapiensViT', **backbone), neck=None),
            pipeline=[dict(type='Load', scale=(4, 3)), dict(type='Pack')],
            rates=[0.1, 0.2],
        )
    )


@pytest.mark.parametrize(
    ('backbone', 'expected'),
    [
        ({}, PRETRAINED),
        (dict(init_cfg=None), PRETRAINED),
        (dict(init_cfg=[dict(type='Normal', std=0.1)]), PRETRAINED),
        (dict(init_cfg=dict(type='Normal', std=0.1)), PRETRAINED),
        (
            dict(init_cfg=dict(type='Pretrained', checkpoint='a', prefix='b')),
            dict(PRETRAINED, prefix='b'),
        ),
    ],
)
def test_a_start_is_set_whatever_the_config_says(backbone, expected):
    cfg = config(**backbone)
    merge_options(cfg, {START: 'mine.pth', 'model.backbone.with_cp': True})
    assert cfg.model.backbone == dict(
        type='SapiensViT', init_cfg=expected, with_cp=True
    )


def test_a_kind_that_is_stated_stays():
    cfg = config(init_cfg=None)
    options = {'model.backbone.init_cfg._delete_': True, START: 'mine.pth'}
    merge_options(cfg, {**options, 'model.backbone.init_cfg.type': 'Other'})
    assert cfg.model.backbone.init_cfg == dict(type='Other', checkpoint='mine.pth')


def test_other_options_are_mmengine_s():
    options = {
        'model.neck': 'x',
        'pipeline.1.type': 'PackAll',
        'new.key': 1,
        'rates': [1.0],
        'model.backbone._delete_': True,
        'model.backbone.arch': 'sapiens_tiny',
    }
    ours, theirs = config(), config()
    merge_options(ours, options)
    theirs.merge_from_dict(options)
    assert ours.to_dict() == theirs.to_dict()
    merge_options(ours, None)
    assert ours.to_dict() == theirs.to_dict()


@pytest.mark.parametrize(
    ('key', 'words'),
    [
        ('model.neck.in_channels', 'model.neck is None in this config, and has no in_'),
        ('model.backbone.type.x', "model.backbone.type is 'SapiensViT' in this"),
        ('pipeline.2.type', 'pipeline is a list of 2 in this config, and has no 2'),
        ('pipeline.Pack.type', 'pipeline is a list of 2 .* has no Pack'),
        ('pipeline.0.scale.0', 'pipeline.0.scale is a tuple of 2 .* has no 0'),
        ('rates.0', 'single entries of a list cannot be set; give all of rates'),
    ],
)
def test_keys_that_lead_nowhere_are_named(key, words):
    cfg = config()
    with pytest.raises(ValueError, match=f'--cfg-options {key}: {words}'):
        merge_options(cfg, {key: 1})
    assert cfg.to_dict() == config().to_dict()


def test_what_mmengine_says_to_such_keys_is_no_sentence():
    """If it one day is, the check can go."""
    for key in ('model.neck.in_channels', 'rates.0'):
        with pytest.raises((TypeError, AttributeError)):
            config().merge_from_dict({key: 1})
