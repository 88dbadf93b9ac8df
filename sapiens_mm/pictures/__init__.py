"""The one reader of pictures: photos, masks, labels and backgrounds.

Needs: OpenCV, Pillow, and simplejpeg for what libjpeg says of a JPEG. A file is data
from anywhere. What it is, is told by its first bytes; only the formats named here are
ever decoded, whatever else OpenCV and Pillow could open (Pillow starts Ghostscript for
a PostScript file of any name). What it says of its size is checked against a limit,
and against how many bytes there are, before a decoder believes it.
"""

from .decode import (
    MAX_PIXELS,
    as_rgb,
    decode_color,
    decode_ids,
    decode_stored,
    read_file,
    scale_to_bytes,
)
from .headers import BadFileError, PictureError, picture_size

__all__ = [
    'MAX_PIXELS',
    'BadFileError',
    'PictureError',
    'as_rgb',
    'decode_color',
    'decode_ids',
    'decode_stored',
    'picture_size',
    'read_file',
    'scale_to_bytes',
]
