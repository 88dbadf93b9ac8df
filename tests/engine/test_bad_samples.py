"""skip_bad set in configs, and counts through wrappers."""

import pytest
from mmengine.config import Config

from sapiens_mm import config_path
from sapiens_mm.data.bad_samples import count_skipped, skip_bad_samples


@pytest.mark.parametrize(
    'name',
    [
        'depth/sapiens_0.3b_render_people-1024x768',
        'normal/sapiens_0.3b_synth_human-1024x768',
        'seg/sapiens_0.3b_lip20-1024x768',
    ],
)
def test_all_data_sets_of_a_config(name):
    pytest.importorskip('mmseg')
    cfg = Config.fromfile(config_path(name))
    skip_bad_samples(cfg)
    for split in ('train', 'val', 'test'):
        assert cfg[f'{split}_dataloader'].dataset.skip_bad is True


def test_wrapped_data_sets():
    pytest.importorskip('mmseg')
    cfg = Config.fromfile(config_path('depth/sapiens_0.3b_general-1024x768'))
    ours = cfg.train_dataloader.dataset
    host = dict(type='BaseSegDataset')
    both = dict(type='ConcatDataset', datasets=[ours, host])
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=both)
    skip_bad_samples(cfg)
    first, second = cfg.train_dataloader.dataset.dataset.datasets
    assert first.skip_bad is True
    assert 'skip_bad' not in second


def test_configs_that_cannot_skip():
    pytest.importorskip('mmpose')
    cfg = Config.fromfile(config_path('pose/sapiens_0.3b_coco17-1024x768'))
    with pytest.raises(ValueError, match='no data set of .*coco17.* can skip bad'):
        skip_bad_samples(cfg)


def test_counts_add_up():
    class Data:
        def __init__(self, **facts):
            self.__dict__.update(facts)

    a, b = Data(num_bad=2, num_samples=5), Data(num_bad=0, num_samples=7)
    assert count_skipped(Data()) == (0, 0)
    assert count_skipped(Data(dataset=a)) == (2, 5)
    assert count_skipped(Data(datasets=[a, Data(), Data(dataset=b)])) == (2, 12)
