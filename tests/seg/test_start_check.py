"""A user's config of own classes against itself, before anything is built."""

import pytest
from mmengine.config import Config
from sentences import says

pytest.importorskip('mmseg')

from sapiens_mm.engine.start import Start  # noqa: E402
from sapiens_mm.paths import config_root  # noqa: E402
from sapiens_mm.tables import part_table  # noqa: E402

CLASSES = ('background', 'left glove', 'right glove', 'helmet', 'rope')
PLAIN = ('background', 'glove', 'helmet', 'rope', 'hook')


@pytest.fixture
def start(tmp_path):
    """A function that writes a user's config of own classes, and looks at it."""

    def look(classes=CLASSES, more='', base='goliath28', count=None):
        path = tmp_path / 'mine.py'
        path.write_text(
            f"_base_ = '{config_root()}/seg/sapiens_0.3b_{base}-1024x768.py'\n"
            f'data = dict(parts=None, metainfo=dict(classes={list(classes)}))\n'
            'train_dataloader = dict(dataset=data)\n'
            'val_dataloader = dict(dataset=data)\n'
            f'model = dict(decode_head=dict(num_classes={count or len(classes)}))\n'
            + more
        )
        found = Start(Config.fromfile(path))
        found.fit()
        return found

    return look


def flip(found):
    steps = found.cfg.train_dataloader.dataset.pipeline
    (step,) = [step for step in steps if step.type == 'RandomFlip']
    return step.swap_seg_labels


def test_inherited_weights_and_mirror_pairs_of_other_classes(start):
    """28 weights would stop the first step; 28 classes' pairs corrupt its labels."""
    found = start()
    assert found.task == '5 classes'
    assert found.cfg.model.decode_head.loss_decode.class_weight is None
    assert flip(found) == [[1, 2]]
    weights, pairs = found.remarks
    says(weights, 'loss_decode.class_weight', 'inherited', '28', '5')
    says(pairs, 'swap_seg_labels', 'inherited', 'left glove/right glove')
    assert flip(start(PLAIN)) is None


def test_classes_of_ours_keep_what_is_theirs(start):
    found = start(part_table('goliath28').classes)
    assert found.remarks == [] and len(flip(found)) == 8
    assert len(found.cfg.model.decode_head.loss_decode.class_weight) == 28


def test_as_many_classes_as_ours_under_other_names(start):
    """Nothing tells whether they are the same under other names: then say so."""
    classes = [f'c{n}' for n in range(20)]
    with pytest.raises(ValueError, match='inherited from lip20, whose classes are oth'):
        start(classes, base='lip20')
    more = (
        'steps = _base_.steps\n'
        'steps.flip.update(swap_seg_labels=None)\n'
        'train_pipeline = [steps[name] for name in _base_.train_steps]\n'
        'train_dataloader["dataset"]["pipeline"] = train_pipeline\n'
    )
    assert flip(start(classes, more, base='lip20')) is None


def test_mirror_pairs_of_the_metainfo_come_first(start):
    more = 'data["metainfo"]["mirror_pairs"] = {}\n'
    pairs = start(more=more.format([('helmet', 'rope')]))
    assert flip(pairs) == [[3, 4]]
    none = start(more=more.format([]))
    assert flip(none) is None and 'no classes trade places' in none.remarks[-1]


FLIP = (
    'steps = _base_.steps\n'
    'steps.flip.update(swap_seg_labels={})\n'
    'train_pipeline = [steps[name] for name in _base_.train_steps]\n'
    'data["pipeline"] = train_pipeline\n'
    'train_dataloader = dict(dataset=data)\n'
)


def test_left_and_right_without_pairs_are_told(start):
    found = start(more=FLIP.format(None))
    facts = ('RandomFlip', 'swap_seg_labels is None', "'left glove'", "'right glove'")
    says(found.remarks[-1], *facts)
    assert flip(start(more=FLIP.format([(1, 2)]))) == [(1, 2)]


@pytest.mark.parametrize(
    'changes, sentence',
    [
        (dict(count=28), 'decode_head.num_classes is 28, train_dataloader has 5 class'),
        (dict(more=FLIP.format([(1, 5)])), 'names class 5, there are 5: 0 to 4'),
        (
            dict(
                more='model["decode_head"]["loss_decode"] = dict(class_weight=[1, 2])'
            ),
            'class_weight has 2 weights, there are 5 classes',
        ),
        (dict(classes=('a', 'b', 'a')), 'train_dataloader: .* 0 and 2 have one name'),
        (
            dict(classes=[f'c{n}' for n in range(256)]),
            'train_dataloader: there are 256 classes; labels hold at most 255',
        ),
        (
            dict(more="default_hooks = dict(checkpoint=dict(save_best='coco/AP'))"),
            "save_best is 'coco/AP', which no metric returns: they return mIoU, mAcc",
        ),
        (
            dict(more='val_dataloader = dict(dataset=dict(parts="goliath28"))'),
            'num_classes is 5, val_dataloader has 28 classes',
        ),
    ],
)
def test_what_cannot_go_together(start, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        start(**changes)


def test_figures_of_the_metrics(start):
    for save_best in ('mIoU', 'aAcc', 'mBIoU_foreground'):
        more = f"default_hooks = dict(checkpoint=dict(save_best='{save_best}'))"
        assert start(more=more).cfg.default_hooks.checkpoint.save_best == save_best
    more = (
        "val_evaluator = dict(_delete_=True, type='IoUMetric', iou_metrics=['mDice'])"
    )
    found = start(more=more)
    assert found.cfg.default_hooks.checkpoint.save_best == 'mDice'
    assert "save_best='mIoU' is of another metric" in found.remarks[-1]
