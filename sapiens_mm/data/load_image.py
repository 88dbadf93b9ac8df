"""Images in a pipeline, of every task, through the one reader of images."""

from __future__ import annotations

import os

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmengine.fileio import LocalBackend

from sapiens_mm.images import MAX_PIXELS, ImageError, decode_color, read_file
from sapiens_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SapiensLoadImage(LoadImageFromFile):
    """Load an image, or take the one that is there; refuse one that would spoil data.

    Stands in for ``LoadImageFromFile`` of mmcv, mmseg, mmpretrain and mmdet and for
    ``LoadImage`` of mmpose, with their keys and, for whole images, their pixels. The
    hosts' fill the missing part of a truncated JPEG with grey, end in an assertion for
    what is no image, decode what a few bytes claim to be, and have no limit of
    pixels that one could set; no argument changes that. Here each is one sentence with
    the file's name, and ``skip_bad`` of our data sets counts and leaves out the sample.

    It takes the time of the hosts': on one core 3.3 and 3.2 ms for a JPEG of a
    megapixel, 33 and 37 ms for twelve; 17 and 16 ms for a PNG of a megapixel.

    Reads ``img_path``, or ``img`` where it is there: (H, W) or (H, W, C). Sets ``img``,
    (H, W, 3) uint8 BGR, turned by its EXIF orientation, and ``img_shape`` and
    ``ori_shape``, (H, W); ``img_path`` is None where an ``img`` came without.

    Args:
        to_float32: Give float32 instead, 0 to 255.
        color_type: ``'color'``; there is no other here.
        imdecode_backend: ``'cv2'``, whose pixels these are; there is no other here.
        file_client_args: As the host's, deprecated there.
        ignore_empty: Return None, for another sample, where an image cannot be read.
        max_pixels: Refuse larger images, width times height.
        backend_args: Of mmengine's file backends, for images that are not on disk.

    Raises:
        ValueError: If an argument is impossible.
        BadFileError: When run, for an image that cannot be used; other errors of remote
            storage are those of its backend.
    """

    def __init__(
        self,
        to_float32: bool = False,
        color_type: str = 'color',
        imdecode_backend: str = 'cv2',
        file_client_args: dict | None = None,
        ignore_empty: bool = False,
        *,
        max_pixels: int = MAX_PIXELS,
        backend_args: dict | None = None,
    ) -> None:
        for name, value, only in (
            ('color_type', color_type, 'color'),
            ('imdecode_backend', imdecode_backend, 'cv2'),
        ):
            if value != only:
                raise ValueError(
                    f'{name} is {value!r}; SapiensLoadImage has {only!r} alone, and '
                    "the host's own loader the others"
                )
        if max_pixels < 1:
            raise ValueError(f'max_pixels is {max_pixels!r}; it must be 1 or more')
        super().__init__(
            to_float32=to_float32,
            color_type=color_type,
            imdecode_backend=imdecode_backend,
            file_client_args=file_client_args,
            ignore_empty=ignore_empty,
            backend_args=backend_args,
        )
        self.max_pixels = max_pixels

    def transform(self, results: dict) -> dict | None:
        """Add the image to ``results``; see the class."""
        image = results.get('img')
        if image is None:
            path = results['img_path']
            try:
                image = decode_color(self._bytes_of(path), path, self.max_pixels)
            except Exception:
                if self.ignore_empty:
                    return None
                raise
        elif not isinstance(image, np.ndarray) or image.ndim not in (2, 3):
            raise ValueError(
                f'img is a {type(image).__name__}; expected an array (H, W, 3)'
            )
        else:
            results.setdefault('img_path', None)
        if self.to_float32:
            image = image.astype(np.float32)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def _bytes_of(self, path: str | os.PathLike) -> bytes:
        """Read a file, from the disk or where the backend finds it.

        Raises:
            ImageError: If it cannot be read, or is empty.
        """
        try:
            if self.file_client_args is not None:
                client = fileio.FileClient.infer_client(self.file_client_args, path)
                backend, get = client.client, client.get
            else:
                # singleton: one connection for a backend, not one for each image
                backend = fileio.get_file_backend(
                    path, backend_args=self.backend_args, enable_singleton=True
                )
                get = backend.get
            # not a backend of the user's that is derived from it and reads otherwise
            if getattr(type(backend), 'get', None) is LocalBackend.get:
                return read_file(path)
            data = get(path)
        except OSError as error:
            reason = error.strerror or ' '.join(str(error).split())[:160]
            raise ImageError.of(path, f'cannot be read: {reason}') from error
        if data is None:  # LMDB's way to say so
            raise ImageError.of(path, 'does not exist')
        if not len(data):
            raise ImageError.of(path, 'is empty')
        return bytes(data)  # of some it is a memoryview

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, max_pixels={self.max_pixels})'
