"""Names of the files that are taken for images and masks; what they hold is told later.

One list each, for inference, training and evaluation: what one of them reads, all do.
"""

from __future__ import annotations

IMAGE_SUFFIXES = (
    *('.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.bmp', '.dib'),
    *('.tif', '.tiff', '.ppm', '.pgm', '.pbm', '.gif', '.avif', '.jp2'),
)
"""In lower case; upper case is found too."""

LOSSLESS_MASK_SUFFIXES = ('.png', '.npy')
"""Of masks whose every value above 0 is a person, the first found first: noise of a
JPEG around people would count as people."""

MASK_SUFFIXES = (*LOSSLESS_MASK_SUFFIXES, '.jpg', '.jpeg', '.webp')
"""Of masks that are read with a threshold, above which noise is not."""
