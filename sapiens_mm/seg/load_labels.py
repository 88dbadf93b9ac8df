"""Label maps in a pipeline."""

from __future__ import annotations

import mmengine.fileio as fileio
from mmseg.datasets.transforms import LoadAnnotations

from sapiens_mm.registry import TRANSFORMS
from sapiens_mm.seg.label_maps import (
    check_not_empty,
    check_not_mask,
    check_size,
    decode_ids,
    lookup_table,
    map_ids,
)


@TRANSFORMS.register_module()
class SapiensLoadLabels(LoadAnnotations):
    """Load a label map and refuse one that would spoil a training.

    The host's loads an image of colours as it is, which fails elsewhere or not at all,
    trains on ids outside the list (CUDA then dies of an assertion), does not compare
    sizes, and applies ``label_map`` in a pass over the image for each class. Keys of
    ``results`` are the host's; ``label_map`` and ``num_classes`` are the data set's.

    Args:
        allow_empty: Take labels that are all background or 255.
        **kwargs: ``backend_args`` and ``reduce_zero_label`` of the host's; the latter
            must not be true: background is class 0 and is trained.

    Raises:
        ValueError: If a label is not as expected; one sentence names the file.
    """

    def __init__(self, allow_empty: bool = False, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if self.reduce_zero_label:
            raise ValueError('reduce_zero_label would drop class 0, the background')
        self.allow_empty = allow_empty

    def _load_seg_map(self, results: dict) -> None:
        """Add ``gt_seg_map``, (H, W) uint8, of the size of the image as it was read."""
        path = results['seg_map_path']
        data = fileio.get(path, backend_args=self.backend_args)
        label_map = results.get('label_map')
        if label_map is None and 'num_classes' not in results:
            raise ValueError(
                f'{path}: SapiensLoadLabels needs num_classes of the data set; use '
                'sapiens_mm.SapiensPartDataset'
            )
        table = lookup_table(results.get('num_classes', 0), label_map)
        ids = decode_ids(data, path)
        check_not_mask(ids, results, path)
        labels = map_ids(ids, table, path)
        image_hw = results.get('ori_shape')
        if image_hw is not None:
            check_size(labels, image_hw[:2], path, results.get('img_path', ''))
        if not self.allow_empty:
            check_not_empty(labels, path)
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')

    def __repr__(self) -> str:
        return f'{type(self).__name__}(allow_empty={self.allow_empty})'
