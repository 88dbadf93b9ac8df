"""Checks of the arrays that drawing functions take, each with a message that helps."""

import numpy as np


def describe(value: object) -> str:
    """Name the type, shape and dtype of a value for an error message."""
    if isinstance(value, np.ndarray):
        return f'an array of shape {value.shape} and dtype {value.dtype}'
    return f'{type(value).__name__} {value!r}'[:120]


def check_image(image: np.ndarray, name: str = 'image_bgr') -> None:
    """Raise ValueError unless ``image`` is a uint8 array (H, W, 3) with pixels."""
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[2] != 3
        or image.size == 0
    ):
        raise ValueError(
            f'{name} is {describe(image)}; expected a uint8 array (H, W, 3), BGR'
        )


def check_map(values: np.ndarray, name: str, channels: int | None = None) -> None:
    """Raise ValueError unless ``values`` is a real (H, W) or (H, W, channels) array."""
    ndim = 2 if channels is None else 3
    shape = '(H, W)' if channels is None else f'(H, W, {channels})'
    if (
        not isinstance(values, np.ndarray)
        or values.dtype.kind not in 'fiu'
        or values.ndim != ndim
        or (channels is not None and values.shape[2] != channels)
        or values.size == 0
    ):
        raise ValueError(f'{name} is {describe(values)}; expected numbers {shape}')


def check_mask(mask: np.ndarray | None, grid_hw: tuple[int, int]) -> np.ndarray:
    """Return a boolean foreground of shape (H, W); None means everywhere."""
    if mask is None:
        return np.ones(grid_hw, bool)
    if (
        not isinstance(mask, np.ndarray)
        or mask.dtype.kind not in 'biuf'
        or mask.shape != tuple(grid_hw)
    ):
        raise ValueError(
            f'mask is {describe(mask)}; expected shape {tuple(grid_hw)}, '
            'true or > 0 on the foreground'
        )
    return mask > 0


def check_fraction(value: float, name: str) -> None:
    """Raise ValueError unless ``value`` lies in [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f'{name} is {value!r}; expected a number from 0 to 1')
