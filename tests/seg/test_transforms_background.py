"""SapiensRandomBackground: what is kept, what is swapped, and bad input."""

import functools
import os
import pickle

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

pytest.importorskip('mmseg')

from mmengine.dataset import worker_init_fn  # noqa: E402
from mmengine.registry import TRANSFORMS as ROOT  # noqa: E402

from sapiens_mm.seg import SapiensRandomBackground  # noqa: E402
from sapiens_mm.seg.random_background import fit_background, read_background  # noqa: E402

PLAIN = dict(strength=(0.0, 0.0), soft_edge_px=0)


def picture(seed, hw=(20, 30), low=0, high=256):
    return np.random.RandomState(seed).randint(low, high, (*hw, 3)).astype(np.uint8)


def scene(hw=(24, 18)):
    """An image and labels of three parts, an ignored patch and background."""
    labels = np.zeros(hw, np.uint8)
    labels[6:20, 4:14] = 3
    labels[8:12, 5:9] = 27
    labels[14:18, 8:17] = 255  # over the edge of the person
    return picture(7, hw, 60, 200), labels


def smooth(seed, hw):
    return cv2.resize(picture(seed, (3, 4)), hw[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def folder(tmp_path):
    """Three images, in an order the file system does not promise."""
    (tmp_path / 'deep').mkdir()
    for name, seed in (('b.PNG', 1), ('deep/a.png', 2), ('a.bmp', 3)):
        encoded = cv2.imencode(name[-4:].lower(), picture(seed, (12, 9)))[1]
        (tmp_path / name).write_bytes(encoded.tobytes())
    (tmp_path / 'notes.txt').write_text('no image')
    return tmp_path


def test_people_keep_their_pixels(folder):
    photo, labels = scene()
    swap = SapiensRandomBackground(1.0, str(folder), **PLAIN)
    before = photo.copy(), labels.copy()
    seen = set()
    for seed in range(12):
        np.random.seed(seed)
        results = swap(dict(img=photo, gt_seg_map=labels))
        match = [
            file
            for file in swap.files
            if (
                results['img'][labels == 0]
                == fit_background(cv2.imread(file), labels.shape)[labels == 0]
            ).all()
        ]
        assert len(match) == 1
        seen.add(os.path.basename(match[0]))
        assert (results['img'][labels > 0] == photo[labels > 0]).all()
        assert results['gt_seg_map'] is labels
    assert seen == {'b.PNG', 'a.png', 'a.bmp'}
    assert (photo == before[0]).all()
    assert (labels == before[1]).all()


def test_files_are_sorted(folder):
    files = SapiensRandomBackground(1.0, folder).files
    names = [os.path.relpath(file, folder) for file in files]
    assert names == ['a.bmp', 'b.PNG', os.path.join('deep', 'a.png')]


def test_fitted_as_in_the_official_training():
    wide = smooth(1, (50, 160))
    got = fit_background(wide, (25, 30))
    scaled = cv2.resize(wide, (80, 25), interpolation=cv2.INTER_AREA)
    assert (got == scaled[:, 25:55]).all()
    narrow = smooth(2, (40, 10))
    stretched = cv2.resize(narrow, (30, 60), interpolation=cv2.INTER_LINEAR)
    assert (fit_background(narrow, (60, 30)) == stretched).all()
    same = picture(3, (8, 6))
    assert (fit_background(same, (8, 6)) == same).all()


def test_255_is_neither():
    photo, labels = scene()
    swap = SapiensRandomBackground(1.0, strength=(1.0, 1.0), max_shift=None)
    other = photo.copy()
    other[labels == 255] = 255 - other[labels == 255]
    outputs = []
    for image in (photo, other):
        np.random.seed(5)
        outputs.append(swap(dict(img=image, gt_seg_map=labels))['img'])
        assert (outputs[-1][labels == 255] == image[labels == 255]).all()
    counted = labels != 255
    assert (outputs[0][counted] == outputs[1][counted]).all()
    person = counted & (labels > 0)
    assert (outputs[0][person] != photo[person]).mean() > 0.5  # recoloured


def test_a_mask_of_255_is_foreground():
    photo, labels = scene()
    mask = np.where(labels > 0, 255, 0).astype(np.uint8)
    swap = SapiensRandomBackground(1.0, mask_key='gt_mask', **PLAIN)
    for kind in (np.uint8, np.float32, bool):
        results = swap(dict(img=photo, gt_mask=mask.astype(kind)))
        assert (results['img'][mask > 0] == photo[mask > 0]).all()
        assert (results['img'][mask == 0] != photo[mask == 0]).mean() > 0.9
    recolor = SapiensRandomBackground(1.0, mask_key='gt_mask', strength=(1.0, 1.0))
    results = recolor(dict(img=photo, gt_mask=mask))
    assert (results['img'][mask > 0] != photo[mask > 0]).mean() > 0.5


def test_colours_come_from_what_shows_of_the_background(tmp_path):
    labels = np.zeros((32, 32), np.uint8)
    labels[:, 16:] = 1
    background = np.full((32, 32, 3), (200, 60, 60), np.uint8)  # blue where people are
    background[:, :16] = picture(1, (32, 16), 80, 120)
    cv2.imwrite(str(tmp_path / 'half.png'), background)
    reinhard = dict(strength=(1.0, 1.0), max_std_ratio=None, max_shift=None)
    swap = SapiensRandomBackground(1.0, tmp_path, soft_edge_px=0, **reinhard)
    result = swap(dict(img=picture(2, (32, 32), 120, 220), gt_seg_map=labels))['img']
    means = [result[labels == label].mean(0) for label in (0, 1)]
    assert np.abs(means[0] - means[1]).max() < 1.5


def test_the_rim_is_mixed_inwards(tmp_path):
    cv2.imwrite(str(tmp_path / 'dark.png'), np.zeros((9, 9, 3), np.uint8))
    labels = np.zeros((9, 9), np.uint8)
    labels[3:, :] = 2
    labels[5, 8] = 255
    labels[0, 0] = 1  # alone: a ninth of its window
    white = np.full((9, 9, 3), 240, np.uint8)
    settings = dict(strength=(0.0, 0.0), soft_edge_px=1)
    swap = SapiensRandomBackground(1.0, tmp_path, **settings)
    grey = swap(dict(img=white, gt_seg_map=labels))['img'][..., 0]
    assert (grey[3, 1:] == 160).all()  # six of nine pixels are kept
    assert (grey[4:] == 240).all()  # 255 is kept as well: no rim there
    assert grey[0, 0] == 120  # never below a half (four of nine, the edge repeated)
    assert (grey[1:3] == 0).all()


def test_probability(folder):
    photo, labels = scene((6, 4))
    swap = SapiensRandomBackground(0.8, folder, **PLAIN)
    swapped = sum(
        swap(dict(img=photo, gt_seg_map=labels))['img'] is not photo for _ in range(400)
    )
    assert 280 < swapped < 360  # 320 expected, standard deviation 8
    never = SapiensRandomBackground(0.0)
    assert all(
        never(dict(img=photo, gt_seg_map=labels))['img'] is photo for _ in range(20)
    )


def test_without_people_and_without_background(tmp_path):
    background = picture(4, (24, 18))
    cv2.imwrite(str(tmp_path / 'only.png'), background)
    swap = SapiensRandomBackground(1.0, tmp_path)
    photo, _ = scene()
    empty = swap(dict(img=photo, gt_seg_map=np.zeros((24, 18), np.uint8)))['img']
    assert (empty == background).all()
    full = swap(dict(img=photo, gt_seg_map=np.ones((24, 18), np.uint8)))['img']
    assert (full == photo).all()


class Images(Dataset):
    def __init__(self, swap):
        self.swap = swap

    def __len__(self):
        return 8

    def __getitem__(self, index):
        photo, labels = scene()
        return torch.from_numpy(self.swap(dict(img=photo, gt_seg_map=labels))['img'])


def test_workers_repeat_with_their_seed(folder):
    def epoch(swap, seed):
        seeded = functools.partial(worker_init_fn, num_workers=2, rank=0, seed=seed)
        loader = DataLoader(Images(swap), 2, num_workers=2, worker_init_fn=seeded)
        return torch.cat(list(loader))

    for swap in (SapiensRandomBackground(1.0), SapiensRandomBackground(1.0, folder)):
        swap = pickle.loads(pickle.dumps(swap))  # as spawned workers get it
        first = epoch(swap, 3)
        assert torch.equal(first, epoch(swap, 3))
        assert not torch.equal(first, epoch(swap, 4))
        assert len({photo.numpy().tobytes() for photo in first}) > 2


def test_the_registry_builds_it():
    built = ROOT.build(dict(type='sapiens_mm.SapiensRandomBackground', prob=0.5))
    assert isinstance(built, SapiensRandomBackground)
    assert 'prob=0.5, folder=None' in repr(built)


def test_bad_folders(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match='nowhere does not exist'):
        SapiensRandomBackground(folder=str(tmp_path / 'nowhere'))
    (tmp_path / 'notes.txt').write_text('')
    with pytest.raises(ValueError, match=f'{tmp_path.name} holds no image'):
        SapiensRandomBackground(folder=str(tmp_path))
    with pytest.raises(ValueError, match=r'notes.txt is not a folder'):
        SapiensRandomBackground(folder=str(tmp_path / 'notes.txt'))

    def refuse(path):
        raise PermissionError(13, 'Permission denied', str(path))

    monkeypatch.setattr(os, 'scandir', refuse)
    with pytest.raises(ValueError, match='cannot be read: Permission denied'):
        SapiensRandomBackground(folder=str(tmp_path))


def test_broken_images_are_named(tmp_path):
    first, second = tmp_path / 'a.jpg', tmp_path / 'b.jpg'
    first.write_bytes(b'not a JPEG')
    with pytest.raises(ValueError, match=r'a.jpg is no whole image'):
        SapiensRandomBackground(folder=str(tmp_path))
    whole = cv2.imencode('.jpg', picture(1, (64, 64)))[1].tobytes()
    first.write_bytes(whole)
    for data in (b'', whole[:-200]):
        second.write_bytes(data)
        swap = SapiensRandomBackground(1.0, str(tmp_path))
        photo, labels = scene()
        with pytest.raises(ValueError, match=r'b\.jpg is no whole image'):
            for _ in range(50):
                swap(dict(img=photo, gt_seg_map=labels))
    second.unlink()
    with pytest.raises(ValueError, match=r'b\.jpg cannot be read'):
        read_background(str(second))


def test_bad_samples_are_named():
    photo, labels = scene()
    swap = SapiensRandomBackground(1.0)
    with pytest.raises(ValueError, match=r"x.jpg: .* needs 'gt_seg_map'"):
        swap(dict(img=photo, img_path='x.jpg'))
    with pytest.raises(ValueError, match=r'x.jpg: gt_seg_map has the shape \(24, 17\)'):
        swap(dict(img=photo, gt_seg_map=labels[:, 1:], img_path='x.jpg'))
    with pytest.raises(ValueError, match=r'x.jpg: .* takes \(H, W, 3\) uint8'):
        swap(dict(img=photo / 255, gt_seg_map=labels, img_path='x.jpg'))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(prob=1.5), r'prob must be in \[0, 1\], got 1.5'),
        (dict(strength=(0.5, 0.2)), r'strength .* got \(0.5, 0.2\)'),
        (dict(max_std_ratio=0.5), 'max_std_ratio .* got 0.5'),
        (dict(max_shift=(5, -1)), r'max_shift .* got \(5, -1\)'),
        (dict(soft_edge_px=0.5), 'soft_edge_px .* got 0.5'),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SapiensRandomBackground(**arguments)
