"""Part labels, depth and normals that follow a person's crop."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmpose.datasets.transforms import PackPoseInputs, TopdownAffine
from mmpose.structures.bbox import get_udp_warp_matrix

from sapiens_mm.data.files import BadFileError
from sapiens_mm.layers.mirror import NORMAL_SIGNS
from sapiens_mm.registry import TRANSFORMS
from sapiens_mm.tables import part_table

STORED = {
    'labels': (np.dtype(np.uint8), ()),
    'depth': (np.dtype(np.uint16), ()),
    'normal': (np.dtype(np.uint8), (3,)),
}
"""Type and channels of each kind of file."""


@TRANSFORMS.register_module()
class SapiensLoadAllMaps(BaseTransform):
    """Load the maps that a :class:`SapiensMultitaskDataset` names.

    Adds ``maps`` as they are stored, which is quicker to crop: ``labels`` (H, W) uint8,
    ``depth`` (H, W) uint16, 0 off people, and ``normal`` (H, W, 3) uint8, B first.

    Raises:
        BadFileError: When run, for a file that cannot be used.
    """

    def transform(self, results: dict) -> dict:
        """Load ``maps``; see the class."""
        # here, as mmseg is not needed where a pose config looks for its types
        from sapiens_mm.geometry.map_checks import check_mask_shape
        from sapiens_mm.geometry.map_files import read_stored
        from sapiens_mm.seg.label_maps import decode_ids

        paths = results['map_paths']
        maps = dict(
            labels=decode_ids(Path(paths['labels']).read_bytes(), paths['labels']),
            depth=read_stored(Path(paths['depth'])),
            normal=read_stored(Path(paths['normal'])),
        )
        for kind, values in maps.items():
            image_hw = results['img'].shape[:2]
            check_mask_shape(paths[kind], values.shape[:2], image_hw, kind)
            dtype, channels = STORED[kind]
            if (values.dtype, values.shape[2:]) != (dtype, channels):
                shape = ', '.join(['H', 'W', *map(str, channels)])
                raise BadFileError(
                    f'{paths[kind]} holds {values.dtype} of shape {values.shape}; '
                    f'expected {dtype} of shape ({shape})'
                )
        return dict(results, maps=maps)

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@TRANSFORMS.register_module()
class SapiensTopdownMaps(TopdownAffine):
    """The host's ``TopdownAffine``, with targets of all maps out of the same crop.

    The host warps the image and its keypoints only. Maps are mirrored as its
    ``RandomFlip`` mirrored the image, warped by nearest neighbour straight to the
    resolution of the heads, and become what the losses see: labels with left and right
    swapped, depth 0 near and 1 far over the people in the crop, normals turned with
    the image.

    Args:
        input_size: (W, H) of the crop, pixels.
        stride: Input pixels per pixel of the targets.
        parts: Table of the labels, for its mirror pairs.
        use_udp: Must be True: the corners of the crop are pixel centres.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        stride: int = 4,
        parts: str = 'goliath28',
        use_udp: bool = True,
    ) -> None:
        if not use_udp:
            raise ValueError('SapiensTopdownMaps follows the UDP crop: use_udp=True')
        if stride < 1 or any(side % stride for side in input_size):
            raise ValueError(
                f'stride must divide input_size {input_size}, got {stride}'
            )
        super().__init__(input_size, use_udp=True)
        self.stride = stride
        self.parts = parts
        mirrored = part_table(parts).flip_indices
        # 256 entries, so that 255, no label, and what is no class stay
        self._swap = np.array([*mirrored, *range(len(mirrored), 256)], np.uint8)

    def transform(self, results: dict) -> dict:
        """Crop; replaces ``maps`` by the targets, (h, w) or (h, w, 3)."""
        from sapiens_mm.geometry.map_kinds import KINDS
        from sapiens_mm.geometry.transforms import relative_depth

        results = super().transform(results)
        matrix = get_udp_warp_matrix(
            results['input_center'],
            results['input_scale'],
            results.get('bbox_rotation', [0.0])[0],
            output_size=self.input_size,
        )
        maps = results['maps']
        if results.get('flip'):
            if results['flip_direction'] != 'horizontal':
                direction = results['flip_direction']
                raise ValueError(f'maps are mirrored horizontally, not {direction!r}')
            # RandomFlip ran before, so the matrix is that of the mirrored image
            maps = {kind: values[:, ::-1] for kind, values in maps.items()}
            maps['labels'] = self._swap[maps['labels']]
        maps = {kind: self._warp(values, matrix) for kind, values in maps.items()}
        person = maps['depth'] > 0
        depth = relative_depth(maps['depth'].astype(np.float32), person)
        depth[~person] = KINDS['depth'].background
        # files hold (n + 1) / 2 * 255, z in B, the first channel
        normal = maps['normal'][..., ::-1].astype(np.float32) * (2 / 255) - 1
        if results.get('flip'):
            normal *= np.array(NORMAL_SIGNS['horizontal'], np.float32)
        normal = turn_normals(normal, matrix)
        lengths = np.linalg.norm(normal, axis=2, keepdims=True)
        person = person & (lengths[..., 0] > 0.5)  # unit length where there is one
        normal = normal / np.where(person[..., None], lengths, 1)
        normal[~person] = KINDS['normal'].background
        results['maps'] = dict(labels=maps['labels'], depth=depth, normal=normal)
        return results

    def _warp(self, values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """Sample where the pixels of the targets lie in the image; 0 beside it."""
        shrink = 1 / self.stride
        # centres: target pixel i lies at stride * i + (stride - 1) / 2 of the crop
        scaled = matrix * shrink
        scaled[:, 2] += (shrink - 1) / 2
        size = tuple(side // self.stride for side in self.input_size)
        # nearest: ids, and depth beside the 0 around people, have no mean
        return cv2.warpAffine(
            np.ascontiguousarray(values), scaled, size, flags=cv2.INTER_NEAREST
        )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(input_size={self.input_size}, '
            f'stride={self.stride}, parts={self.parts!r})'
        )


def turn_normals(normals: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Turn normals as a crop turns the image.

    Args:
        normals: Shape (…, 3): x right, y up, z towards the camera.
        matrix: (2, 3), from pixels of the image to those of the crop; y down.

    Returns:
        Shape (…, 3).
    """
    # the crop turns and scales; the root of the determinant is the scale
    turn = matrix[:, :2] / np.sqrt(np.linalg.det(matrix[:, :2]))
    # y is up in normals and down in pixels
    flip_y = np.diag([1, -1])
    turned = normals.astype(np.float32)
    turned[..., :2] = normals[..., :2] @ (flip_y @ turn @ flip_y).T
    return turned


@TRANSFORMS.register_module()
class SapiensPackMultitask(PackPoseInputs):
    """The host's ``PackPoseInputs``, with the targets of the maps.

    The sample gets ``gt_sem_seg`` (1, h, w) int64, ``gt_depth`` (1, h, w) and
    ``gt_normal`` (3, h, w), float32. Arguments are the host's.
    """

    def transform(self, results: dict) -> dict:
        """Pack."""
        packed = super().transform(results)
        maps, sample = results['maps'], packed['data_samples']
        planes = dict(
            gt_sem_seg=maps['labels'][None].astype(np.int64),
            gt_depth=maps['depth'][None].astype(np.float32),
            gt_normal=maps['normal'].transpose(2, 0, 1).astype(np.float32),
        )
        for name, values in planes.items():
            data = torch.from_numpy(np.ascontiguousarray(values))
            sample.set_field(PixelData(data=data), name, dtype=PixelData)
        return packed
