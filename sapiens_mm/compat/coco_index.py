"""The annotation index served as ``xtcocotools.coco``; see ``coco_eval.py``."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import coco


class COCO(coco.COCO):
    """pycocotools' annotation index with the additions of xtcocotools.

    Files are UTF-8 whatever the locale, with or without a byte order mark.

    Args:
        annotation_file: Path of a COCO-style JSON file; None makes an empty index.
        test_index: Indices of the keypoints to keep; None keeps all.
        ann_data: The contents of ``annotation_file``, if already read.
    """

    def __init__(
        self,
        annotation_file: str | os.PathLike | None = None,
        test_index: Sequence[int] | None = None,
        ann_data: dict | None = None,
    ):
        super().__init__()
        self.anno_file = [annotation_file]
        self.test_index = test_index
        if ann_data is None and annotation_file is not None:
            ann_data = _read(annotation_file)
            if not isinstance(ann_data, dict):
                raise ValueError(f'{annotation_file} is no annotation file: no object')
        if ann_data is not None:
            self.dataset = ann_data
            with contextlib.redirect_stdout(io.StringIO()):  # it tells of each step
                self.createIndex()
        for ann in self.dataset.get('annotations', ()):
            # pycocotools' evaluator reads it of every annotation
            ann.setdefault('iscrowd', False)
            if test_index is not None:
                keypoints = np.reshape(ann['keypoints'], (-1, 3))
                ann['keypoints'] = keypoints[test_index].ravel().tolist()

    def getAnnIds(self, imgIds=(), catIds=(), areaRng=(), iscrowd=None) -> list:
        """Select annotations; a string is one id, and area ranges are half open."""
        ids = super().getAnnIds(_listed(imgIds), _listed(catIds), [], iscrowd)
        if len(areaRng) == 0:
            return ids
        return [i for i in ids if areaRng[0] <= self.anns[i]['area'] < areaRng[1]]

    def getCatIds(self, catNms=(), supNms=(), catIds=()) -> list:
        """Select categories; a string is one name, not a list of letters."""
        return super().getCatIds(_listed(catNms), _listed(supNms), _listed(catIds))

    def getImgIds(self, imgIds=(), catIds=()) -> list:
        """Select images; a string is one id, not a list of letters."""
        return super().getImgIds(_listed(imgIds), _listed(catIds))

    def loadRes(self, resFile, resData: list[dict] | None = None) -> COCO:
        """Index results; unlike in pycocotools there may be none.

        Args:
            resFile: Path of a JSON file, a list of results, or an array of shape
                (D, 7): image id, x, y, width, height, score, category id.
            resData: The contents of ``resFile``, if it is a path already read.
        """
        if len(self.anno_file) == 1:
            self.anno_file.append(resFile)
        results = resFile
        if isinstance(resFile, (str, os.PathLike)):
            results = _read(resFile) if resData is None else resData

        index = type(self)()
        if len(results):
            # vars, as the base makes a plain COCO, which lacks the methods above
            vars(index).update(vars(super().loadRes(results)))
        else:
            # mmpose evaluates empty results too: a young model finds nobody
            index.dataset = {**self.dataset, 'annotations': []}
            index.createIndex()
        return index


def _listed(ids: object) -> object:
    """Return one id or name as a list of one; pycocotools takes strings apart."""
    return [ids] if isinstance(ids, str) else ids


def _read(path: str | os.PathLike) -> Any:
    """Read a JSON file; of bytes, ``json`` tells the encoding itself."""
    return json.loads(Path(path).read_bytes())
