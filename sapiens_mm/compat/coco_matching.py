"""Similarity of detections to annotations, and who is matched with whom.

Letters in shapes: G annotations and D detections of one image and category,
K keypoints, T thresholds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def object_keypoint_similarity(
    xy_DK2: NDArray,
    annotation: NDArray,
    box_xywh: NDArray,
    area: float,
    variances: NDArray,
) -> NDArray:
    """Return the OKS of every detection to one annotation.

    Means run over the labelled keypoints. If none is labelled, distances are to the
    box grown to three times its size about its centre: 0 inside.

    Args:
        xy_DK2: Shape (D, K, 2), pixels.
        annotation: Shape (K, 3), x and y in pixels, labelled if the third is above 0.
        box_xywh: Shape (4,), of the annotation, pixels.
        area: Of the annotation, square pixels.
        variances: Shape (K,), squares of twice the sigmas.

    Returns:
        Shape (D,), 0 to 1; 0 for a detection with a NaN.
    """
    labelled = annotation[:, 2] > 0
    if labelled.any():
        offsets = xy_DK2 - annotation[:, :2]
    else:
        labelled = np.ones_like(labelled)
        xy, wh = box_xywh[:2], box_xywh[2:]
        below, above = xy - wh - xy_DK2, xy_DK2 - (xy + wh * 2)
        offsets = np.maximum(below, 0) + np.maximum(above, 0)
    # Unlabelled keypoints are cut out, not weighted by 0: sums then round as in the
    # original, and so do ties at a threshold.
    squares = offsets[..., 0] ** 2 + offsets[..., 1] ** 2
    # spacing(1) is pycocotools' guard of areas that are 0
    errors = squares / variances / (area + np.spacing(1)) / 2
    similarity = np.exp(-np.compress(labelled, errors, axis=1)).sum(axis=1)
    # a NaN matches nothing; left in, it would match anything, as in xtcocotools
    return np.nan_to_num(similarity / np.count_nonzero(labelled))


def match(
    ious_DG: NDArray, thresholds: NDArray, ignored: NDArray, crowds: NDArray
) -> NDArray:
    """Give each detection, best first, the annotation it overlaps most.

    An ignored annotation is taken only if no other fits, a crowd any number of
    times; of equals the last is taken.

    Args:
        ious_DG: Shape (D, G), in the order of the scores.
        thresholds: Shape (T,), the least overlap that counts.
        ignored: Shape (G,), bool.
        crowds: Shape (G,), bool.

    Returns:
        Shape (T, D), position of the annotation or -1.
    """
    matches = np.full((len(thresholds), len(ious_DG)), -1)
    taken = np.zeros((len(thresholds), len(ignored)), dtype=bool)
    for d in np.flatnonzero((ious_DG >= thresholds.min()).any(axis=1)):
        fits = (ious_DG[d] >= thresholds[:, None]) & (crowds | ~taken)
        fits &= ~ignored | ~(fits & ~ignored).any(axis=1, keepdims=True)
        overlap = np.where(fits, ious_DG[d], -1)
        # argmax finds the first; turned round it finds the last, as the original's loop
        best = overlap.shape[1] - 1 - overlap[:, ::-1].argmax(axis=1)
        t = np.flatnonzero(fits.any(axis=1))
        matches[t, d] = best[t]
        taken[t, best[t]] = True
    return matches
