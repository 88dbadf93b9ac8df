"""Tiny data sets of drawn people and faces, in the layout of each official one."""

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sapiens_mm.tables import FACE19, GOLIATH28, LIP20
from sapiens_mm.tables.body_parts import SOURCE_34_TO_28
from sapiens_mm.testing import fake_person

# the drawn parts of Goliath-28 by their names in LIP
LIP_NAMES = {
    'Background': 'Background',
    'Face_Neck': 'Face',
    'Hair': 'Hair',
    'Upper_Clothing': 'UpperClothes',
    **{f'{s}_Shoe': f'{s}-shoe' for s in ('Left', 'Right')},
    **{
        f'{s}_{part}': f'{s}-{limb}'
        for s in ('Left', 'Right')
        for limb, parts in {
            'arm': ('Hand', 'Lower_Arm', 'Upper_Arm'),
            'leg': ('Foot', 'Lower_Leg', 'Upper_Leg'),
        }.items()
        for part in parts
    },
}


def lip_labels(labels):
    """Bring drawn labels of Goliath-28 to the classes of LIP."""
    table = np.full(256, 255, np.uint8)
    for old, new in LIP_NAMES.items():
        table[GOLIATH28.classes.index(old)] = LIP20.classes.index(new)
    return table[labels]


def source34_labels(labels):
    """Bring labels of 28 classes to the 34; the top right corner becomes a chair."""
    table = np.full(256, 255, np.uint8)
    for old, new in enumerate(SOURCE_34_TO_28):
        if new != 255:
            table[new] = old
    source = table[labels]
    source[:4, -4:] = 2
    return source


def face(seed=0, hw=(96, 96)):
    """Draw a face: image (H, W, 3) uint8 BGR, and labels of the 19 classes."""
    rng = np.random.RandomState(seed)
    names = {name: c for c, name in enumerate(FACE19.classes)}
    labels = np.zeros(hw, np.uint8)
    height, width = hw
    shift = rng.uniform(-0.03, 0.03, 2)

    def paint(name, x, y, rx, ry):
        centre = np.rint((np.array([x, y]) + shift) * (width, height)).astype(int)
        radii = np.maximum(1, np.rint([rx * width, ry * height])).astype(int)
        ellipse = (centre.tolist(), radii.tolist(), 0, 0, 360)
        cv2.ellipse(labels, *ellipse, names[name], -1)

    paint('Clothing', 0.5, 1.0, 0.45, 0.14)
    paint('Neck', 0.5, 0.82, 0.14, 0.16)
    paint('Hair', 0.5, 0.38, 0.36, 0.34)
    paint('Right_ear', 0.2, 0.5, 0.05, 0.08)  # of the person: left in the image
    paint('Left_ear', 0.8, 0.5, 0.05, 0.08)
    paint('Skin', 0.5, 0.52, 0.28, 0.34)
    paint('Right_brow', 0.37, 0.36, 0.08, 0.025)
    paint('Left_brow', 0.63, 0.36, 0.08, 0.025)
    paint('Right_eye', 0.37, 0.44, 0.06, 0.035)
    paint('Left_eye', 0.63, 0.44, 0.06, 0.035)
    paint('Nose', 0.5, 0.55, 0.05, 0.08)
    paint('Top_lip', 0.5, 0.69, 0.11, 0.03)
    paint('Bottom_lip', 0.5, 0.75, 0.11, 0.03)
    paint('Mouth_interior', 0.5, 0.72, 0.08, 0.02)
    colors = rng.randint(40, 216, (20, 3))
    photo = colors[labels] + rng.normal(0, 4, (*hw, 3))
    return np.clip(photo, 0, 255).astype(np.uint8), labels


def write_image(path, photo):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), photo)


def write_labels(path, labels, palette=None):
    """Write ids as grey values, or as indices of a palette (N, 3)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(labels.astype(np.uint8))
    if palette is not None:
        picture.putpalette(np.asarray(palette, np.uint8).ravel().tolist())
    picture.save(path)


def people(count, hw=(96, 72)):
    return [fake_person(seed, hw) for seed in range(count)]


def write_lip(root, count=3, hw=(96, 72)):
    """LIP: jpg and png in folders of both parts."""
    root = Path(root)
    for part in ('train', 'val'):
        for n, person in enumerate(people(count, hw)):
            name = f'{77 + n}_{471474 + n}'
            write_image(root / f'images/{part}_images/{name}.jpg', person.image)
            labels = root / f'segmentations/{part}_segmentations/{name}.png'
            write_labels(labels, lip_labels(person.labels))
    return root


def write_cihp(root, count=3, hw=(96, 72)):
    """CIHP: also colour images and instances, which are not read."""
    root = Path(root)
    for part in ('Training', 'Validation'):
        for n, person in enumerate(people(count, hw)):
            name, labels = f'{n + 1:07d}', lip_labels(person.labels)
            write_image(root / part / f'Images/{name}.jpg', person.image)
            write_labels(root / part / f'Category_ids/{name}.png', labels)
            write_labels(root / part / f'Human_ids/{name}.png', labels > 0)
            colors = np.array(LIP20.palette, np.uint8)[labels.clip(max=19)]
            write_image(root / part / f'Categories/{name}.png', colors[..., ::-1])
    return root


def write_faces(root, count=3, hw=(96, 96)):
    """FaceSynthetics: image, labels and landmarks side by side."""
    root = Path(root)
    for n in range(count):
        photo, labels = face(n, hw)
        write_image(root / f'{n:06d}.png', photo)
        write_labels(root / f'{n:06d}_seg.png', labels)
        (root / f'{n:06d}_ldmks.txt').write_text('1.0 2.0\n')
    return root


def write_goliath(root, count=3, hw=(96, 72)):
    """Goliath-28 as plain folders; every second label has a palette."""
    root = Path(root)
    for part in ('train', 'val'):
        for n, person in enumerate(people(count, hw)):
            write_image(root / part / f's1/{n:04d}.jpg', person.image)
            palette = GOLIATH28.palette if n % 2 else None
            label = root / f'{part}_parts/s1/{n:04d}.png'
            write_labels(label, person.labels, palette)
    return root


def write_captures(root, count=3, hw=(96, 72)):
    """Goliath's captures: an index, and label images of 34 classes."""
    root = Path(root)
    records = []
    for n, person in enumerate(people(count, hw)):
        name = f'sample{n}'
        write_image(root / f'images/{name}.jpg', person.image)
        write_labels(root / f'labels/{name}.png', source34_labels(person.labels))
        records.append(
            dict(
                sample_id=name,
                session_id='s1',
                camera_id='c1',
                frame_number=str(9 + n),  # as strings, 10 comes before 9
            )
        )
    (root / 'index.json').write_text(json.dumps(records))
    return root


LAYOUTS = {
    'lip20': write_lip,
    'cihp20': write_cihp,
    'face19': write_faces,
    'goliath28': write_goliath,
}
