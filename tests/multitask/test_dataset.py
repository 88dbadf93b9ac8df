"""The data set of all tasks on a folder of rendered people."""

from pathlib import Path

import pytest

from sapiens_mm.data.files import BadFileError
from sapiens_mm.multitask import SapiensMultitaskDataset

PREFIX = {
    kind: f'{folder}/train/'
    for kind, folder in dict(
        img='images', labels='labels', depth='depth', normal='normal'
    ).items()
}


def build(root, **changes):
    options = dict(dict(data_prefix=PREFIX, pipeline=[]), **changes)
    return SapiensMultitaskDataset(
        'annotations/train_308.json', data_root=str(root), **options
    )


def test_a_persons_maps_are_those_of_the_image(synth_folder):
    dataset = build(synth_folder)
    assert len(dataset) > 0
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        stem = Path(info['img_path']).stem
        assert sorted(info['map_paths']) == ['depth', 'labels', 'normal']
        for kind, path in info['map_paths'].items():
            assert Path(path) == Path(synth_folder, kind, 'train', f'{stem}.png')
            assert Path(path).is_file()
        assert info['keypoints'].shape == (1, 308, 2)


def test_folders_must_be_named(synth_folder):
    with pytest.raises(ValueError, match='must name depth, normal as well'):
        build(synth_folder, data_prefix=dict(img='images/', labels='labels/'))


def test_maps_must_be_there(synth_folder):
    prefix = dict(PREFIX, depth='metres/train/')
    with pytest.raises(BadFileError, match='metres.* does not exist'):
        build(synth_folder, data_prefix=prefix)
