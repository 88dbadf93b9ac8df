"""Data of one's own, as docs/finetune.md describes the files, of drawn people."""

import json

import cv2
import numpy as np

from sapiens_mm.testing import fake_person

HW = (128, 96)
# of COCO's 17: what the six keypoints of the page are drawn at
SIX = (0, 9, 10, 11, 15, 16)


def write_keypoints(folder, names, counts=None):
    """Write photos/, train.json and val.json; keypoints lie on the drawn person.

    Args:
        folder: Of the data.
        names: K names; of more than six the rest lie between the 17 drawn ones.
        counts: Images of each file.
    """
    counts = counts or dict(train=4, val=2)
    (folder / 'photos').mkdir(parents=True)
    number = 0
    for split, count in counts.items():
        images, annotations = [], []
        for _ in range(count):
            number += 1
            person = fake_person(number, HW)
            name = f'{number:04d}.jpg'
            cv2.imwrite(str(folder / 'photos' / name), person.image)
            images.append(dict(id=number, file_name=name, height=HW[0], width=HW[1]))
            x1, y1, x2, y2 = person.box_xyxy.tolist()
            annotations.append(
                dict(
                    id=number,
                    image_id=number,
                    category_id=1,
                    bbox=[x1, y1, x2 - x1, y2 - y1],
                    area=(x2 - x1) * (y2 - y1) * 0.5,
                    iscrowd=0,
                    keypoints=_points(person.keypoints, len(names)).ravel().tolist(),
                    num_keypoints=len(names),
                )
            )
        category = dict(id=1, name='person', keypoints=list(names))
        content = dict(images=images, annotations=annotations, categories=[category])
        (folder / f'{split}.json').write_text(json.dumps(content), encoding='utf-8')


def _points(drawn, count):
    if count == len(SIX):
        points = drawn[list(SIX)]
    else:
        at = np.linspace(0, 16, count)
        low = np.floor(at).astype(int).clip(max=15)
        share = (at - low)[:, None]
        points = drawn[low] * (1 - share) + drawn[low + 1] * share
    return np.hstack([points, np.full((count, 1), 2)])


def write_classes(folder, count_classes):
    """Write photos/ and labels/ of train and val; parts are spread over the classes."""
    lut = np.zeros(256, np.uint8)
    lut[1:28] = 1 + np.arange(27) % (count_classes - 1)

    def labels(person):
        values = lut[person.labels]
        values[:2] = 255
        return values

    _write(folder, dict(labels=('png', labels)))


def write_depth(folder, kind='millimetres'):
    """Write photos/, masks/ and depth/ of train and val.

    Args:
        folder: Of the data.
        kind: ``'millimetres'``, 16-bit PNG; or ``'relative'``, NPY from 0 to 1.
    """

    def millimetres(person):
        metres = np.where(person.labels > 0, 2 + 0.5 * person.depth, 0)
        return np.rint(1000 * metres).astype(np.uint16)

    def relative(person):
        return np.where(person.labels > 0, person.depth, 0).astype(np.float32)

    maps = dict(millimetres=('png', millimetres), relative=('npy', relative))[kind]
    _write(folder, dict(masks=('png', _mask), depth=maps))


def write_normals(folder):
    """Write photos/, masks/ and normal/, NPY, of train and val."""

    def normals(person):
        return np.where(person.labels[..., None] > 0, person.normals, 0)

    _write(folder, dict(masks=('png', _mask), normal=('npy', normals)))


def _mask(person):
    return np.uint8(255) * (person.labels > 0)


def _write(folder, kinds):
    """Write four and two images, and of each what ``kinds`` derives from it."""
    number = 0
    for split, count in dict(train=4, val=2).items():
        for name in ('photos', *kinds):
            (folder / name / split).mkdir(parents=True)
        for _ in range(count):
            number += 1
            person = fake_person(number, HW)
            photo = folder / 'photos' / split / f'{number:04d}.jpg'
            cv2.imwrite(str(photo), person.image)
            for kind, (suffix, derive) in kinds.items():
                path = folder / kind / split / f'{number:04d}.{suffix}'
                if suffix == 'npy':
                    np.save(path, derive(person))
                else:
                    cv2.imwrite(str(path), derive(person))
