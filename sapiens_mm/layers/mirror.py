"""Mirror images: the flip test, and what changes sign with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

NORMAL_SIGNS: Mapping[str, tuple[float, float, float]] = {
    'horizontal': (-1.0, 1.0, 1.0),
    'vertical': (1.0, -1.0, 1.0),
    'diagonal': (-1.0, -1.0, 1.0),
}
"""Factors of x, y, z of a normal (x right, y up) by mmcv's ``flip_direction``."""


def turn_signs(maps: Tensor, signs: tuple[float, ...]) -> Tensor:
    """Multiply the channels of maps (…, C, H, W) by C factors."""
    return maps * maps.new_tensor(signs)[:, None, None]


def flip_average(
    network: Callable[[Tensor], Tensor],
    inputs: Tensor,
    unmirror: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Average what a network says of images and of their mirror images.

    Args:
        network: From images to maps (B, C, h, w).
        inputs: Shape (B, 3, H, W).
        unmirror: Turns maps of mirrored images, whose pixels are mirrored back
            already, into maps of the images: signs, left and right classes. None: the
            pixels are all there is to turn.

    Returns:
        Shape (B, C, h, w).
    """
    maps = network(inputs)
    mirrored = network(inputs.flip(-1)).flip(-1)
    return (maps + (mirrored if unmirror is None else unmirror(mirrored))) / 2
