"""What depth and normals share: masks, and tiles for high resolution."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from sapiens_mm.apis.dense import DenseInferencer, enlarge_map
from sapiens_mm.apis.inferencer import Loaded
from sapiens_mm.apis.map_masks import Segmenter, choose_mask, make_segmenter
from sapiens_mm.apis.results import Result
from sapiens_mm.apis.tiling import Tile, blend, check_tiling, cut_tiles


class MapInferencer(DenseInferencer):
    """Base of the inferencers of depth and normals.

    The mask of people is optional and changes no value of a plain prediction: it is
    kept for drawing, saving and evaluation. It is the caller's (``mask``), else the
    segmenter's, else there is none. With tiles, those without a person are left out.

    With ``tile``, the network sees the photo once as a whole and once for each of the
    overlapping tiles, and their maps are blended; see ``sapiens_mm.apis.tiling``.

    Args:
        *args: Of :class:`~sapiens_mm.apis.inferencer.Inferencer`.
        segmenter: None, or what makes masks: the checkpoint of a model of body parts,
            a ``SegInferencer``, or a callable that takes a BGR image and returns
            labels or a mask (H, W).
        tile: Height of a tile in pixels of the photo, its width follows the network's
            aspect; None: no tiles. A photo not larger than a tile has none.
        tile_overlap: Share of a tile that its neighbour covers too, 0.1 to 0.5.
        **kwargs: Of :class:`~sapiens_mm.apis.inferencer.Inferencer`.
    """

    def __init__(
        self,
        *args: Any,
        segmenter: str | Path | Segmenter | None = None,
        tile: int | None = None,
        tile_overlap: float = 0.25,
        **kwargs: Any,
    ) -> None:
        check_tiling(tile, tile_overlap)
        super().__init__(*args, **kwargs)
        self.tile = tile
        self.tile_overlap = tile_overlap
        if tile is not None:
            self.input_wh = self.find_input_wh('tile')
        self.segmenter = make_segmenter(segmenter, self.device, self.dtype)

    def __call__(self, inputs: object, mask: object = None) -> Result | list[Result]:
        """Run on one image, or several.

        Args:
            inputs: See :class:`~sapiens_mm.apis.inferencer.Inferencer`.
            mask: For one image an array (H, W), > 0 on people, or the path of a
                picture or NPY file; for several, a list with one entry an image, or
                a folder that holds a ``.png`` or ``.npy`` of each photo's name.

        Returns:
            One result, or a list.
        """
        return super().__call__(inputs, mask=mask)

    def run(
        self, inputs: object, progress: bool = False, mask: object = None
    ) -> Iterator[Result]:
        """Stream results; ``mask`` is as for a call with several images."""
        if isinstance(mask, (str, Path)):
            if not Path(mask).is_dir():
                raise ValueError(f'mask for several images: {mask} is not a folder')
            mask = repeat(Path(mask))
        return super().run(inputs, progress, mask=mask)

    def prepare(self, loaded: Loaded) -> list[Any]:
        """Squeeze the photo, and each tile that shows people; find the mask."""
        image, options = loaded.image, loaded.options
        mask, origin = choose_mask(
            options.get('mask'), self.segmenter, image, loaded.source
        )
        options.update(mask=mask, mask_from=origin)
        samples = super().prepare(loaded)
        if self.tile is None:
            return samples
        tiles = cut_tiles(image.shape[:2], self.tile, self.input_wh, self.tile_overlap)
        used = [mask is None or bool(mask[tile.index].any()) for tile in tiles]
        options.update(tiles=tiles, used=used)
        for tile, wanted in zip(tiles, used, strict=True):
            if wanted:
                facts = dict(img_path=str(loaded.source), img_shape=tile.hw)
                part = np.ascontiguousarray(image[tile.index])
                samples.append(
                    self.pipeline(dict(img=part, ori_shape=tile.hw, **facts))
                )
        return samples

    def _forward(self, chunk: list[Loaded]) -> list[Result]:
        if self.tile is None:
            return super()._forward(chunk)
        results = []
        for loaded in chunk:  # the maps of all tiles of several photos are much memory
            results += super()._forward([loaded])
        return results

    def map_of(self, loaded: Loaded, outputs: list[Tensor]) -> np.ndarray:
        """Bring outputs to the size of the photo and blend those of tiles.

        Args:
            loaded: The photo.
            outputs: Of the whole photo and of the tiles that were used, each
                (C, h, w).

        Returns:
            Shape (C, H, W), float32.
        """
        whole = self.refine(enlarge_map(outputs[0], loaded.image.shape[:2]))
        options = loaded.options
        tiles = options.get('tiles', [])
        if not any(options.get('used', [])):
            options['blended'] = 0
            return whole
        coming = iter(outputs[1:])
        maps: list[np.ndarray | None] = []
        for tile, wanted in zip(tiles, options['used'], strict=True):
            values = None
            if wanted:
                values = self.refine(enlarge_map(next(coming), tile.hw))
                values = self.fit_tile(values, whole, tile, options['mask'])
            maps.append(values)
        options['blended'] = sum(values is not None for values in maps)
        return self.refine(blend(whole, tiles, maps))

    def refine(self, values: np.ndarray) -> np.ndarray:
        """Bring a map (C, H, W) into its form, before and after blending."""
        return values

    @abstractmethod
    def fit_tile(
        self,
        values: np.ndarray,
        whole: np.ndarray,
        tile: Tile,
        mask: np.ndarray | None,
    ) -> np.ndarray | None:
        """Make the map of a tile comparable with that of the whole photo.

        Args:
            values: Shape (C, H, W) of the tile.
            whole: Shape (C, H, W) of the photo.
            tile: Where the tile lies.
            mask: People, shape (H, W) of the photo, bool; None: everywhere.

        Returns:
            The map to blend, in the shape of ``values``; None leaves the tile out.
        """

    @staticmethod
    def facts_of(loaded: Loaded) -> dict[str, Any]:
        """Return the fields that results of depth and normals share."""
        options = loaded.options
        return dict(
            mask=options['mask'],
            mask_from=options['mask_from'],
            tiles=options['blended'],
            **loaded.facts,
        )
