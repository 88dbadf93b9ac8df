"""Samples made by hand, whose figures are known."""

import numpy as np

from sapiens_mm.synth.sample import PersonLabels, Sample

HW = (40, 30)


def draw(keypoints=None):
    """A sample of one person: rows 5 to 24, columns 10 to 19."""
    inside = np.zeros(HW, bool)
    inside[5:25, 10:20] = True
    labels = np.where(inside, 22, 0).astype(np.uint8)
    labels[5:8, 10:20] = 2
    if keypoints is None:
        rng = np.random.default_rng(0)
        keypoints = rng.uniform(5, 25, (308, 3))
        keypoints[:, 2] = np.arange(308) % 3
    person = PersonLabels(
        person=1,
        subject='7-4-1',
        keypoints=keypoints.astype(np.float32),
        box_xyxy=np.array([10, 5, 20, 25], np.float32),
        amodal_box_xyxy=np.array([-2.5, 5, 20, 60], np.float32),
        metadata={'pose': 'stand'},
    )
    return Sample(
        image=np.zeros((*HW, 3), np.uint8),
        labels=labels,
        instances=inside.astype(np.uint8),
        depth=inside * np.float32(2.5),
        normals=inside[..., None] * np.array([0, 0, 1], np.float32),
        normals_bump=inside[..., None] * np.array([0, 1, 0], np.float32),
        people=[person],
        intrinsics=np.array([[50, 0, 14.5], [0, 50, 19.5], [0, 0, 1.0]]),
        metadata={'framing': 'face'},
    )
