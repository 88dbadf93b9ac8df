"""The one reader of images: images, masks, labels and backgrounds; and of NPY files.

Needs: OpenCV, Pillow, and simplejpeg for what libjpeg says of a JPEG. A file is data
from anywhere. What it is, is told by its first bytes; only the formats named here are
ever decoded, whatever else OpenCV and Pillow could open (Pillow starts Ghostscript for
a PostScript file of any name). What it says of its size is checked against a limit,
and against how many bytes there are, before a decoder believes it.
"""

from .arrays import read_array
from .decode import (
    MAX_PIXELS,
    as_rgb,
    decode_color,
    decode_ids,
    decode_stored,
    read_file,
    scale_to_bytes,
)
from .headers import BadFileError, ImageError, image_kind, image_size, is_lossy
from .masks import checked_mask, read_mask_values
from .suffixes import IMAGE_SUFFIXES, LOSSLESS_MASK_SUFFIXES, MASK_SUFFIXES

__all__ = [
    'IMAGE_SUFFIXES',
    'LOSSLESS_MASK_SUFFIXES',
    'MASK_SUFFIXES',
    'MAX_PIXELS',
    'BadFileError',
    'ImageError',
    'as_rgb',
    'checked_mask',
    'decode_color',
    'decode_ids',
    'decode_stored',
    'is_lossy',
    'image_kind',
    'image_size',
    'read_array',
    'read_file',
    'read_mask_values',
    'scale_to_bytes',
]
