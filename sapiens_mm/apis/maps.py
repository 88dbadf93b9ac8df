"""What depth and normals share: masks, and tiles for high resolution."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from torch import Tensor

from sapiens_mm.apis.dense import DenseInferencer, enlarge_map
from sapiens_mm.apis.map_masks import Segmenter, choose_mask, make_segmenter
from sapiens_mm.apis.results import Result
from sapiens_mm.apis.stages import Failed, Loaded, Prepared
from sapiens_mm.apis.tiling import Tile, blend, check_tiling, cut_tiles


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedMap(Prepared):
    """An image squeezed as a whole and, if it is large, in tiles.

    Attributes:
        mask: People, (H, W) bool of the image, or None.
        mask_from: ``'caller'``, ``'segmenter'`` or ``'none'``.
        tiles: All that cover the image; none where there is no need.
        used: Of each tile, whether it shows people and so has a sample.
    """

    mask: np.ndarray | None
    mask_from: str
    tiles: list[Tile] = dataclasses.field(default_factory=list)
    used: list[bool] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, eq=False)
class BlendedMap:
    """A map at the size of its image.

    Attributes:
        values: Shape (C, H, W), float32.
        tiles: How many tiles were blended into it.
    """

    values: np.ndarray
    tiles: int


class MapInferencer(DenseInferencer):
    """Base of the inferencers of depth and normals.

    The mask of people is optional and changes no value of a plain prediction: it is
    kept for drawing, saving and evaluation. It is the caller's (``mask``), else the
    segmenter's, else there is none. With tiles, those without a person are left out.

    With ``tile``, the network sees the image once as a whole and once for each of the
    overlapping tiles, and their maps are blended; see ``sapiens_mm.apis.tiling``.

    Args:
        segmenter: None, or what makes masks: the checkpoint of a model of body parts,
            a ``SegInferencer``, or a callable that takes a BGR image and returns
            labels or a mask (H, W).
        tile: Height of a tile in pixels of the image, its width follows the network's
            aspect; None: no tiles. An image not larger than a tile has none.
        tile_overlap: Share of a tile that its neighbour covers too, 0.1 to 0.5.
    """

    def __init__(
        self,
        config: str | Path | Config | None = None,
        checkpoint: str | Path | None = None,
        *,
        segmenter: str | Path | Segmenter | None = None,
        tile: int | None = None,
        tile_overlap: float = 0.25,
        **options: Any,
    ) -> None:
        # before the model is built, which takes long
        check_tiling(tile, tile_overlap)
        super().__init__(config, checkpoint, **options)
        self.tile = tile
        self.tile_overlap = tile_overlap
        if tile is not None:
            self.input_wh = self.find_input_wh('tile')
        self.segmenter = make_segmenter(segmenter, self.device, self.dtype)

    def __call__(self, inputs: object, mask: object = None) -> Result | list[Result]:
        """Run on one image, or several.

        Args:
            inputs: See :class:`~sapiens_mm.apis.inferencer.Inferencer`.
            mask: For one image an array (H, W), > 0 on people, or the path of an
                image or NPY file; for several, a list with one entry an image, or
                a folder that holds a ``.png`` or ``.npy`` of each image's name.

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

    def prepare(self, loaded: Loaded) -> PreparedMap:
        """Squeeze the image, and each tile that shows people; find the mask."""
        image, given = loaded.image, loaded.options.get('mask')
        mask, origin = choose_mask(given, self.segmenter, image, loaded.source)
        samples = [self.squeeze(loaded)]
        if self.tile is None:
            return PreparedMap(loaded, samples, mask, origin)
        tiles = cut_tiles(image.shape[:2], self.tile, self.input_wh, self.tile_overlap)
        used = [mask is None or bool(mask[tile.index].any()) for tile in tiles]
        for tile, wanted in zip(tiles, used, strict=True):
            if wanted:
                part = np.ascontiguousarray(image[tile.index])
                samples.append(self.squeeze(dataclasses.replace(loaded, image=part)))
        return PreparedMap(loaded, samples, mask, origin, tiles, used)

    def _forward(self, chunk: list[Prepared | Failed]) -> list[Result]:
        if self.tile is None:
            return super()._forward(chunk)
        results = []
        for each in chunk:  # the maps of all tiles of several images are much memory
            results += super()._forward([each])
        return results

    def map_of(self, prepared: PreparedMap, outputs: list[Tensor]) -> BlendedMap:
        """Bring outputs to the size of the image and blend those of tiles.

        Args:
            prepared: The image.
            outputs: Of the whole image and of the tiles that were used, each
                (C, h, w).
        """
        whole = self.refine(enlarge_map(outputs[0], prepared.image_hw))
        if not any(prepared.used):
            return BlendedMap(whole, 0)
        coming = iter(outputs[1:])
        maps: list[np.ndarray | None] = []
        for tile, wanted in zip(prepared.tiles, prepared.used, strict=True):
            values = None
            if wanted:
                values = self.refine(enlarge_map(next(coming), tile.hw))
                values = self.fit_tile(values, whole, tile, prepared.mask)
            maps.append(values)
        count = sum(values is not None for values in maps)
        return BlendedMap(self.refine(blend(whole, prepared.tiles, maps)), count)

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
        """Make the map of a tile comparable with that of the whole image.

        Args:
            values: Shape (C, H, W) of the tile.
            whole: Shape (C, H, W) of the image.
            tile: Where the tile lies.
            mask: People, shape (H, W) of the image, bool; None: everywhere.

        Returns:
            The map to blend, in the shape of ``values``; None leaves the tile out.
        """

    @staticmethod
    def fields_of(prepared: PreparedMap, found: BlendedMap) -> dict[str, Any]:
        """Return the fields that results of depth and normals share."""
        return dict(
            mask=prepared.mask,
            mask_from=prepared.mask_from,
            tiles=found.tiles,
            **prepared.fields,
        )
