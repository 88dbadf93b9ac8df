"""Depth and normals are not taken for one another, before anything is built."""

import pytest
from mmengine.config import Config

pytest.importorskip('mmseg')

from sapiens_mm.engine.start import Start  # noqa: E402
from sapiens_mm.paths import config_path  # noqa: E402


def start(kind, **changes):
    cfg = Config.fromfile(config_path(f'{kind}/sapiens_0.3b_render_people-1024x768'))
    cfg.merge_from_dict(changes)
    found = Start(cfg)
    found.fit()
    return found


@pytest.mark.parametrize(
    'kind, task, figure, rule',
    [
        ('depth', 'relative depth', 'depth/rmse', 'less'),
        ('normal', 'surface normals', 'normal/mean', 'less'),
    ],
)
def test_the_shipped_configs_are_left_as_they_are(kind, task, figure, rule):
    found = start(kind)
    checkpoint = found.cfg.default_hooks.checkpoint
    assert (found.task, found.remarks) == (task, [])
    assert (checkpoint.save_best, checkpoint.rule) == (figure, rule)


def test_figures_are_told_from_their_names():
    found = start('depth', **{'default_hooks.checkpoint.save_best': 'depth/delta1'})
    assert found.cfg.default_hooks.checkpoint.rule == 'greater'  # it was inherited
    assert 'would keep the worst checkpoint' in found.remarks[0]
    with pytest.raises(ValueError, match="save_best is 'depth/rms', which no metric"):
        start('depth', **{'default_hooks.checkpoint.save_best': 'depth/rms'})
    best = {'default_hooks.checkpoint.save_best': 'depth/full_body/rmse'}
    assert start('depth', **best).remarks == []


def test_kinds_that_do_not_go_together():
    with pytest.raises(
        ValueError, match='decode_head is SapiensDepthHead, the maps of'
    ):
        start('depth', **{'train_dataloader.dataset.kind': 'normal'})
    other = {'val_evaluator.type': 'sapiens_mm.SapiensNormalMetric'}
    with pytest.raises(ValueError, match=r'val_evaluator\[0\] is SapiensNormalMetric'):
        start('depth', **other)
