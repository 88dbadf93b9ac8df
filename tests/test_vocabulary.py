"""Who names the keypoints and classes of a model, in which order."""

import pytest
from mmengine.config import Config

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from own_models import CLASSES, KEYPOINTS, own_keypoints, pose_model, seg_model

from sapiens_mm import config_path
from sapiens_mm.tables import COCO17, GOLIATH28
from sapiens_mm.vocabulary import VocabularyWarning, keypoints_of, parts_of

OTHERS = ('a', 'b', 'c', 'd', 'e', 'f')


def data(kind, **dataset):
    """A config that has nothing but a training set."""
    return Config(
        dict(default_scope=kind, train_dataloader=dict(dataset=dict(dataset)))
    )


def test_the_config_comes_before_the_checkpoint():
    meta = own_keypoints(OTHERS, {}, ())
    assert keypoints_of(pose_model(), 6, meta).names == KEYPOINTS
    assert keypoints_of(Config(), 6, meta).names == OTHERS
    called = []
    keypoints_of(pose_model(), 6, lambda: called.append(1))
    assert not called  # the file need not be opened


def test_a_file_of_mmpose_and_the_class_of_the_data_set():
    crowd = data('mmpose', type='CrowdPoseDataset')
    assert keypoints_of(crowd, 14).names[:2] == ('left_shoulder', 'right_shoulder')
    stated = dict(from_file='configs/_base_/datasets/coco.py')
    by_file = data('mmpose', type='CocoDataset', metainfo=stated)
    assert keypoints_of(by_file, 17) == COCO17
    wrapped = data(
        'mmpose',
        type='CombinedDataset',
        metainfo=own_keypoints(),
        datasets=[dict(type='CocoDataset')],
    )
    assert keypoints_of(wrapped, 6).names == KEYPOINTS
    repeated = data(
        'mmpose',
        type='RepeatDataset',
        times=2,
        dataset=dict(type='CocoDataset', metainfo=own_keypoints()),
    )
    assert keypoints_of(repeated, 6).names == KEYPOINTS


def test_a_missing_file_of_names_is_told(tmp_path):
    stated = dict(from_file=str(tmp_path / 'none.py'))
    cfg = data('mmpose', type='CocoDataset', metainfo=stated)
    with pytest.raises(ValueError, match=r'none\.py'):
        keypoints_of(cfg, 6)


def test_classes_of_the_config_of_the_host_and_of_the_checkpoint():
    assert parts_of(seg_model(), 5).classes == CLASSES
    palette = [[c, c, 9] for c in range(5)]
    table = parts_of(seg_model(palette=palette), 5)
    assert table.palette[3] == (3, 3, 9)
    assert len(parts_of(data('mmseg', type='CityscapesDataset'), 19).palette) == 19
    some = data('mmseg', type='CityscapesDataset', metainfo=dict(classes=('car',)))
    assert parts_of(some, 1).palette == ((0, 0, 142),)
    assert parts_of(Config(), 5, dict(classes=CLASSES)).classes == CLASSES
    ours = Config.fromfile(config_path('seg/sapiens_0.3b_goliath28-1024x768'))
    assert parts_of(ours, 28).swap_pairs == GOLIATH28.swap_pairs


def test_own_classes_win_over_the_table_that_was_inherited():
    """``part_table`` stays from our base where a user states classes."""
    cfg = seg_model()
    assert cfg.part_table == 'goliath28'
    assert parts_of(cfg, 5).classes == CLASSES


def test_numbers_are_the_last_resort_and_said():
    with pytest.warns(VocabularyWarning, match='the 6 keypoints: they are numbered'):
        table = keypoints_of(Config(), 6)
    assert table.names[5] == 'keypoint_5' and not table.mirrors_known
    with pytest.warns(VocabularyWarning, match='the 5 classes: they are numbered'):
        assert parts_of(Config(), 5).classes[4] == 'class_4'
    # a class of data set with other keypoints than the head is not the vocabulary
    with pytest.warns(VocabularyWarning):
        keypoints_of(data('mmpose', type='CocoDataset'), 6)


@pytest.mark.parametrize(
    ('cfg', 'count', 'meta', 'match'),
    [
        (pose_model(), 5, None, 'train_dataloader has 6 keypoints, the model 5'),
        (Config(), 5, own_keypoints(), 'names 6 keypoints, its tensors have 5'),
        (Config(), 6, '{"keypoint_id2name"', 'dataset_meta of the checkpoint: '),
        (Config(), 6, '[' * 100_000, 'dataset_meta of the checkpoint: '),
        (Config(), 2, dict(keypoint_id2name={0: 'a', 1: 'a'}), "one name, 'a'"),
    ],
)
def test_disagreements_are_told(cfg, count, meta, match):
    with pytest.raises(ValueError, match=match):
        keypoints_of(cfg, count, meta)


def test_a_metainfo_that_cannot_be_names_its_loader():
    cfg = pose_model(mirror={'head': 'wing'})
    with pytest.raises(ValueError, match="metainfo of train_dataloader: .*'wing'"):
        keypoints_of(cfg, 6)
    with pytest.raises(ValueError, match='train_dataloader has 5 classes, the model 4'):
        parts_of(seg_model(), 4)
