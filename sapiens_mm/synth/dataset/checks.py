"""Do the labels of a sample agree with each other? Measured, not assumed."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from sapiens_mm.synth.sample import Sample
from sapiens_mm.tables import GOLIATH28, GOLIATH308
from sapiens_mm.tables.body_parts import PART_IDS_28

LIPS = ('Lower_Lip', 'Upper_Lip', 'Lower_Teeth', 'Upper_Teeth', 'Tongue')
# words of keypoints' names, the first that fits holds -> classes they lie on, S for
# the side of the keypoint
SURFACES = (
    (('toe', 'heel'), ('S_Foot', 'S_Shoe', 'S_Sock')),
    (('thumb', 'finger'), ('S_Hand',)),
    (('wrist',), ('S_Hand', 'S_Lower_Arm', 'Upper_Clothing', 'Apparel')),
    (
        ('elbow', 'olecranon', 'cubital'),
        ('S_Lower_Arm', 'S_Upper_Arm', 'Upper_Clothing', 'Apparel'),
    ),
    (
        ('shoulder', 'acromion'),
        ('S_Upper_Arm', 'Torso', 'Upper_Clothing', 'Apparel', 'Hair', 'Face_Neck'),
    ),
    (('ankle',), ('S_Lower_Leg', 'S_Foot', 'S_Shoe', 'S_Sock', 'Lower_Clothing')),
    (('knee',), ('S_Lower_Leg', 'S_Upper_Leg', 'S_Sock', 'S_Shoe', 'Lower_Clothing')),
    (
        ('hip',),
        ('S_Upper_Leg', 'Torso', 'Lower_Clothing', 'Upper_Clothing', 'Apparel'),
    ),
    (('lip', 'mouth', 'cupid'), ('Face_Neck', *LIPS)),
    (('neck',), ('Face_Neck', 'Torso', 'Upper_Clothing', 'Hair', 'Apparel')),
    (('nose', 'glabella'), ('Face_Neck', 'Apparel')),  # spectacles
    (('',), ('Face_Neck', 'Hair')),
)


@lru_cache(maxsize=1)
def surface_table() -> np.ndarray:
    """Return on which classes each keypoint may lie, (308, 28) bool.

    Clothes that cover both sides, such as trousers, allow keypoints of either; a dress
    counts as upper clothing and reaches the knees.
    """
    table = np.zeros((308, len(GOLIATH28.classes)), bool)
    for k, name in enumerate(GOLIATH308.names):
        side = 'Left' if name.startswith(('left_', 'l_')) else 'Right'
        names = next(c for words, c in SURFACES if any(w in name for w in words))
        if 'Lower_Clothing' in names:
            names = (*names, 'Upper_Clothing')
        for each in names:
            table[k, PART_IDS_28[each.replace('S_', f'{side}_')]] = True
    return table


def keypoints_on_surfaces(sample: Sample) -> np.ndarray:
    """Count visible keypoints, and those on a surface that bears their name.

    The pixel and its eight neighbours are asked: one of them must be of the person and
    of a class of :func:`surface_table`.

    Returns:
        (308, 2) int: visible, and right.
    """
    table = surface_table()
    height, width = sample.labels.shape
    counts = np.zeros((308, 2), np.int64)
    for person in sample.people:
        x, y = np.rint(person.keypoints[:, :2]).astype(int).T
        seen = person.keypoints[:, 2] == 2
        right = np.zeros(308, bool)
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                rows = (y + down).clip(0, height - 1)
                columns = (x + across).clip(0, width - 1)
                fits = table[np.arange(308), sample.labels[rows, columns]]
                right |= fits & (sample.instances[rows, columns] == person.person)
        counts[:, 0] += seen
        counts[:, 1] += seen & right
    return counts


def normals_from_depth(depth: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Return the normals of the surface that a depth map describes.

    Args:
        depth: (H, W) metres along the optical axis.
        intrinsics: (3, 3) K; pixel centres are integers.

    Returns:
        (H, W, 3) float64 in the frame of normals: x right, y up, z to the camera. Of
        central differences; the frame of pixels at the border is zero.
    """
    rows, columns = np.indices(depth.shape, np.float64)
    points = np.dstack(
        [
            (columns - intrinsics[0, 2]) / intrinsics[0, 0] * depth,
            (rows - intrinsics[1, 2]) / intrinsics[1, 1] * depth,
            depth,
        ]
    )
    across, down = np.zeros_like(points), np.zeros_like(points)
    # central differences, twice the step, whose length cancels
    across[:, 1:-1] = points[:, 2:] - points[:, :-2]
    down[1:-1] = points[2:] - points[:-2]
    normals = np.cross(across, down)
    lengths = np.linalg.norm(normals, axis=2, keepdims=True)
    normals /= np.where(lengths > 0, lengths, 1)
    # across x down points away from the camera; turned round, and with y and z negated
    return normals * [-1, 1, 1]


def depth_normal_angles(sample: Sample, margin_px: int = 3) -> np.ndarray:
    """Return the angles between stored normals and those of the depth, degrees.

    Asked where the surface is smooth: ``margin_px`` away from borders of classes and
    people and from steps of depth, and not at a grazing view.
    """
    smooth = sample.labels > 0
    for ids in (sample.labels, sample.instances):
        low = cv2.erode(ids, np.ones((3, 3), np.uint8))
        smooth &= low == cv2.dilate(ids, np.ones((3, 3), np.uint8))
    metres = sample.depth.astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    step = cv2.dilate(metres, kernel) - cv2.erode(metres, kernel)
    pixel = metres / np.float32(sample.intrinsics[0, 0])
    # a step of four pixels' width is an edge, not a slope
    smooth &= step < 4 * pixel
    size = 2 * margin_px + 1
    smooth = cv2.erode(smooth.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    smooth[:1] = smooth[-1:] = False
    smooth[:, :1] = smooth[:, -1:] = False
    smooth &= sample.normals[..., 2] > 0.5
    found = normals_from_depth(sample.depth.astype(np.float64), sample.intrinsics)
    cosine = (found[smooth] * sample.normals[smooth]).sum(1)
    return np.degrees(np.arccos(cosine.clip(-1, 1)))
