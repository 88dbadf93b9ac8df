"""What a run will save and validate, and what its config has from shipped ones."""

import pytest
from mmengine.config import Config

from sapiens_mm.engine.figures import Figures, full_name, with_prefix
from sapiens_mm.engine.inherited import Inherited
from sapiens_mm.engine.run_plan import check_plan, long_warm_up, run_length
from sapiens_mm.engine.start import Start
from sapiens_mm.paths import config_root

AP = Figures(('coco/AP', 'coco/AR'), ('coco/*_AP',))
ERROR = Figures(('EPE',), less=('EPE',))


def plan(figures=(AP,), epochs=10, val=True, inherited=(), **checkpoint):
    """Check a config with this checkpoint hook; return hook and remarks."""
    cfg = Config(
        dict(
            train_cfg=dict(max_epochs=epochs, val_interval=1),
            val_evaluator=dict(type='X') if val else None,
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', **checkpoint)),
        )
    )
    start = Start(cfg)
    start.inherited = lambda key, value: key.rpartition('.')[2] in inherited
    check_plan(start, figures)
    return cfg.default_hooks.checkpoint, start.remarks


def test_a_figure_that_a_metric_returns_is_kept():
    hook, remarks = plan(interval=1, save_best='coco/AP', rule='greater')
    assert (hook.save_best, hook.rule, remarks) == ('coco/AP', 'greater', [])
    hook, remarks = plan(interval=1, save_best='coco/hand_AP')
    assert (hook.rule, remarks) == ('greater', [])  # mmengine could not guess it
    hook, _ = plan([AP, ERROR], interval=1, save_best=['coco/AP', 'EPE'])
    assert hook.rule == ['greater', 'less']


def test_a_figure_of_another_metric():
    inherited = ('save_best', 'rule')
    hook, remarks = plan([ERROR], save_best='AP', rule='greater', inherited=inherited)
    assert (hook.save_best, hook.rule) == ('EPE', 'less')
    assert "save_best='AP' is of another metric than val_evaluator" in remarks[0]
    with pytest.raises(ValueError, match="save_best is 'AP', which no metric returns"):
        plan([ERROR], save_best='AP', rule='greater')


@pytest.mark.parametrize('figures', [[None], [ERROR, None], []])
def test_metrics_that_are_not_known_are_left_alone(figures):
    hook, _ = plan(figures, save_best='PCK@0.2', rule='greater')
    assert hook.save_best == 'PCK@0.2'
    assert plan([ERROR], save_best='auto')[0].save_best == 'auto'


def test_the_worst_is_not_kept_for_the_best():
    hook, remarks = plan([ERROR], save_best='EPE', rule='greater', inherited=('rule',))
    assert hook.rule == 'less' and 'would keep the worst' in remarks[0]
    with pytest.raises(ValueError, match='is better when less'):
        plan([ERROR], save_best='EPE', rule='greater')


@pytest.mark.parametrize(
    'hook, said',
    [
        (dict(interval=10), None),
        (
            dict(interval=11),
            'the only checkpoint is saved at the end .*11 of 10 epochs',
        ),
        (dict(interval=-1), 'the only checkpoint is saved at the end'),
        (dict(interval=11, save_last=False), 'THIS RUN LEAVES NO CHECKPOINT'),
        (
            dict(interval=11, save_last=False, save_best='coco/AP'),
            'only the best checkpoints are saved',
        ),
        (dict(interval=1000, by_epoch=False), None),  # the data decide
    ],
)
def test_what_is_saved(hook, said):
    _, remarks = plan(**hook)
    assert len(remarks) == (said is not None)
    if said:
        with pytest.raises(ValueError, match=said):
            raise ValueError(remarks[0])


def test_no_checkpoint_hook_and_no_validation():
    cfg = Config(dict(default_hooks=dict(checkpoint=None), train_cfg=dict(max_iters=5)))
    start = Start(cfg)
    start.fit()
    assert start.remarks == [
        'this run saves no checkpoint: the config has no checkpoint hook'
    ]
    _, remarks = plan(val=False, interval=1, save_best='coco/AP')
    assert remarks == ["save_best='coco/AP' saves nothing: nothing is validated"]
    assert plan(val=False, interval=1, save_best='x', inherited=('save_best',))[1] == []


def test_weights_that_are_not_there(tmp_path):
    cfg = Config(dict(train_cfg=dict(max_iters=5), load_from=str(tmp_path / 'a.pth')))
    with pytest.raises(ValueError, match='to start from does not exist: .*a.pth'):
        check_plan(Start(cfg), [])
    (tmp_path / 'a.pth').touch()
    check_plan(Start(cfg), [])
    cfg.load_from = 'https://example.org/a.pth'
    check_plan(Start(cfg), [])


def schedule(epochs, *schedulers, val_interval=1):
    cfg = Config(
        dict(
            train_cfg=dict(max_epochs=epochs, val_interval=val_interval),
            val_evaluator=dict(type='X'),
            param_scheduler=list(schedulers),
        )
    )
    start = Start(cfg)
    check_plan(start, [None])
    return start


STEPS = dict(type='MultiStepLR', milestones=[170, 200], end=210, by_epoch=True)
POLY = dict(type='PolyLR', end=200, by_epoch=True)
WARM = dict(type='LinearLR', start_factor=0.001, end=500, by_epoch=False)


def test_inherited_schedules_of_longer_runs_are_told():
    assert schedule(210, STEPS, WARM).remarks == schedule(200, POLY).remarks == []
    (remark,) = schedule(20, STEPS).remarks
    assert (
        'MultiStepLR of param_scheduler has milestones=[170, 200], the run 20' in remark
    )
    assert 'PolyLR of param_scheduler has end=200' in schedule(20, POLY).remarks[0]
    start = schedule(20, WARM)
    assert long_warm_up(start, 25) is None
    assert 'takes 500 iterations, the run has 480' in long_warm_up(start, 24)
    (remark,) = schedule(5, val_interval=10).remarks
    assert 'the only validation is at the end' in remark


def test_length_of_a_run():
    assert run_length(dict(train_cfg=dict(max_epochs=3))) == (3, 'epochs')
    assert run_length(dict(train_cfg=dict(max_iters=3))) == (3, 'iterations')
    assert run_length(dict(train_cfg=None)) == (None, 'epochs')


def test_names_of_figures():
    assert with_prefix(dict(prefix='a'), 'b', ('AP',)) == ('a/AP',)
    assert with_prefix({}, 'b', ('AP',)) == ('b/AP',)
    assert with_prefix({}, None, ('AP',)) == ('AP',)
    assert full_name(Figures) == 'sapiens_mm.Figures'


def test_inherited_is_what_a_shipped_config_says(tmp_path):
    shipped = config_root() / 'pose/sapiens_0.3b_coco17-1024x768.py'
    base = tmp_path / 'base.py'
    base.write_text(f"_base_ = '{shipped}'\nmodel = dict(head=dict(out_channels=6))\n")
    leaf = tmp_path / 'leaf.py'
    leaf.write_text("_base_ = './base.py'\n")
    inherited = Inherited(leaf)
    assert inherited('default_hooks.checkpoint.save_best', 'coco/AP')
    assert not inherited('default_hooks.checkpoint.save_best', 'PCK')
    assert not inherited('model.head.out_channels', 6)  # of the user's own base
    assert not inherited('model.none.out_channels', 6)
    assert inherited.anywhere('upper_prioritized_prob', 0.7)
    assert not inherited.anywhere('upper_prioritized_prob', 0.6)
    assert Inherited(shipped)('model.head.out_channels', 17)
    leaf.write_text('a = 1\n')
    assert not Inherited(leaf)('a', 1) and not Inherited(None)('a', 1)


def test_a_host_s_config_is_shipped_too(tmp_path):
    pytest.importorskip('mmpose')
    leaf = tmp_path / 'leaf.py'
    leaf.write_text("_base_ = 'mmpose::_base_/default_runtime.py'\n")
    assert Inherited(leaf)('default_hooks.checkpoint.interval', 10)
