"""Masks as COCO-style files store them: run lengths in a text."""

from __future__ import annotations

from typing import Any

import numpy as np


def encode_mask(mask: np.ndarray) -> dict[str, Any]:
    """Return the run lengths of a mask in COCO's compressed form.

    Runs go down the columns, outside and inside in turn, and begin outside. Each but
    the first three is told by how it differs from the one before the last, in digits
    of five bits, the lowest first; the sixth bit says that there are more.

    Args:
        mask: Shape (H, W), bool.

    Returns:
        ``size`` [H, W] and ``counts``, as ``pycocotools`` has them.
    """
    flat = np.concatenate([[False], mask.ravel(order='F'), [False]])
    # the run of the outside that a mask begins with may have no pixel
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    if len(edges) and edges[-1] == mask.size:
        edges = edges[:-1]
    runs = np.diff(np.concatenate([[0], edges, [mask.size]]))
    told = runs.copy()
    told[3:] -= runs[1:-2]
    return {'size': list(mask.shape), 'counts': ''.join(map(_digits, told.tolist()))}


def _digits(number: int) -> str:
    text = ''
    while True:
        digit, number = number & 31, number >> 5
        # the rest is all sign bits: nothing more to say
        more = number != (-1 if digit & 16 else 0)
        text += chr(48 + digit + 32 * more)
        if not more:
            return text
