"""Resize, turn and mirror images together with their continuous maps."""

from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import RandomFlip, RandomRotate, Resize

from sapiens_mm.geometry.map_checks import squared_lengths
from sapiens_mm.geometry.map_kinds import map_kind
from sapiens_mm.geometry.resampling import (
    check_method,
    resize_map,
    rotation_matrix,
    turn_map,
)
from sapiens_mm.layers.mirror import NORMAL_SIGNS
from sapiens_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SapiensMapResize(Resize):
    """The host's ``Resize`` with maps sampled where the image is.

    The host resizes maps by OpenCV's nearest neighbour, which takes the top left pixel
    of each block: up to half a pixel beside the image, and normals come out of a
    linear resizing shorter than 1. Values of depth and directions of normals stay as
    they are, squeezed image or not: the model sees squeezed images and answers
    for the scene. It serves in ``RandomResize`` as ``resize_type``.

    Args:
        map_interpolation: ``'nearest'``, as in the official training, invents no depth
            at outlines. ``'linear'``, among the pixels of people only, is for normals:
            on a sphere of 240 pixels, halved, it errs by 0.02 degrees in the mean,
            nearest by 0.5.
        **kwargs: Of the host's ``Resize``; ``interpolation`` is the image's.
    """

    def __init__(self, map_interpolation: str = 'nearest', **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.map_interpolation = check_method(map_interpolation)

    def _resize_seg(self, results: dict) -> None:
        if 'gt_mask' not in results:  # inference
            return
        values, mask = resize_map(
            results['gt_map'],
            results['gt_mask'],
            results['img'].shape[:2],
            self.map_interpolation,
        )
        results['gt_map'], results['gt_mask'] = values, mask

    def __repr__(self) -> str:
        host = super().__repr__().removesuffix(')')
        return f'{host}, map_interpolation={self.map_interpolation!r})'


@TRANSFORMS.register_module()
class SapiensRandomMapRotate(RandomRotate):
    """The host's ``RandomRotate`` that turns normals, too, and empties the mask.

    The host fills labels with one value, leaves vectors pointing where they did, and
    samples by nearest neighbour. Here what comes in from outside has mask 0, and with
    it the background of the target. Normals turn with the image exactly only where
    it has not been squeezed: put this before a resizing without ``keep_ratio``.

    Args:
        prob: Probability in [0, 1].
        degree: Range in degrees, or its half width about 0; clockwise, as in the host.
        pad_val: What the image is filled with.
        map_interpolation: As in :class:`SapiensMapResize`.
    """

    def __init__(
        self,
        prob: float,
        degree: float | tuple[float, float],
        pad_val: float | tuple[float, ...] = 0,
        map_interpolation: str = 'nearest',
    ) -> None:
        super().__init__(prob, degree, pad_val=pad_val)
        self.map_interpolation = check_method(map_interpolation)

    def transform(self, results: dict) -> dict:
        """Turn ``img``, ``gt_map`` and ``gt_mask``, all (H, W, …)."""
        turns, clockwise_deg = self.generate_degree()
        if not turns:
            return results
        # the host counts clockwise
        angle_deg, image = -clockwise_deg, results['img']
        height, width = image.shape[:2]
        pad = self.pal_val  # the host's spelling
        results['img'] = cv2.warpAffine(
            image,
            rotation_matrix((height, width), angle_deg),
            (width, height),  # (W, H)
            flags=cv2.INTER_LINEAR,
            borderValue=(pad,) * 3 if np.isscalar(pad) else pad,
        )
        values, mask = turn_map(
            results['gt_map'],
            results['gt_mask'],
            angle_deg,
            self.map_interpolation,
        )
        if map_kind(results['map_kind']).turns:
            values = turn_vectors(values, angle_deg)
        results['gt_map'], results['gt_mask'] = values, mask
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(prob={self.prob}, degree={self.degree}, '
            f'pad_val={self.pal_val}, map_interpolation={self.map_interpolation!r})'
        )


def turn_vectors(vectors: np.ndarray, angle_deg: float) -> np.ndarray:
    """Turn vectors (…, 3) of our frame about z, counterclockwise as one sees them."""
    angle = np.deg2rad(angle_deg)
    # a copy: z stays, and x is read after it would be written
    turned = vectors.copy()
    x, y = vectors[..., 0], vectors[..., 1]
    turned[..., 0] = np.cos(angle) * x - np.sin(angle) * y
    turned[..., 1] = np.sin(angle) * x + np.cos(angle) * y
    return turned


@TRANSFORMS.register_module()
class SapiensRandomMapFlip(RandomFlip):
    """The host's ``RandomFlip`` that mirrors normals, too.

    The host moves the pixels; in the mirror x of a normal also changes its sign, y
    where up and down trade places. Arguments are the host's; ``prob`` must be a float.
    """

    def _flip(self, results: dict) -> None:
        super()._flip(results)
        if 'gt_map' not in results or not map_kind(results['map_kind']).turns:
            return
        signs = NORMAL_SIGNS[results['flip_direction']]
        results['gt_map'] = results['gt_map'] * np.array(signs, np.float32)


@TRANSFORMS.register_module()
class SapiensMapTarget(BaseTransform):
    """Turn a map into what the losses see; the last of the geometric steps.

    Depth becomes relative: (depth - near) / (far - near) over the people in the crop,
    so the nearest pixel is 0 and the farthest 1; a crop of one single depth becomes 0,
    where the official code leaves it in its unit. The background is -1. Normals get
    length 1, and a background of -1000. No host makes either.
    """

    def transform(self, results: dict) -> dict:
        """Rewrite ``gt_map``, (H, W) or (H, W, 3) float32, by ``gt_mask``."""
        kind = map_kind(results['map_kind'])
        values, mask = results['gt_map'], results['gt_mask'] > 0
        if kind.turns:
            lengths = np.sqrt(squared_lengths(values))
            mask = mask & (lengths > 1e-6)
            target = values / np.where(mask, lengths, 1)[..., None]
            # by copyto: a mask of pixels has one axis less than vectors
            np.copyto(target, kind.background, where=~mask[..., None])
        else:
            target = relative_depth(values, mask)
            target[~mask] = kind.background
        results['gt_map'] = target.astype(np.float32, copy=False)
        results['gt_mask'] = mask.astype(np.uint8)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


def relative_depth(depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Scale depth to 0 near, 1 far over a mask.

    Args:
        depth: Shape (H, W), any unit.
        mask: Shape (H, W), bool.

    Returns:
        Shape (H, W), float32; 0 where the mask holds one single depth, or nothing.
    """
    if not mask.any():
        return np.zeros(depth.shape, np.float32)
    # float64: a small span of large depths loses digits in half the bits
    inside = depth[mask].astype(np.float64)
    near, span = inside.min(), np.ptp(inside)
    scaled = (depth - near) / span if span > 0 else np.zeros(depth.shape)
    return scaled.astype(np.float32)
