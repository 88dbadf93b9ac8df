"""The evaluator served as ``xtcocotools.cocoeval``; see ``coco_eval.py``.

Boxes, masks and accumulation are pycocotools'. Ours are the keypoint types of the
table in ``keypoint_types.py`` and the habits in which xtcocotools 1.14.3 differs: areas
from boxes, a score per part, detections without any keypoint left out.

Method and argument names are those of the API served. Letters in shapes: G
annotations and D detections of one image and category, K keypoints, T thresholds.
"""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections import defaultdict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pycocotools import coco, cocoeval

from sapiens_mm.compat.coco_matching import match, object_keypoint_similarity
from sapiens_mm.compat.keypoint_types import KEYPOINT_TYPES, KeypointType

BOX_FILL = 0.53  # area of a person over the area of its box, where areas are unknown


class COCOeval(cocoeval.COCOeval):
    """AP and AR of boxes, masks and every keypoint type of ``KEYPOINT_TYPES``.

    The figures are those of xtcocotools 1.14.3. Three inputs on which it errs are
    treated apart: a detection with a NaN matches nothing (there: anything); with
    ``use_area`` an annotation without area is refused by name (there: ``KeyError``);
    and one with a box alone, whom mmpose's data sets leave out, is like one without a
    labelled keypoint, not looked for (there: ``KeyError``). As there,
    ``params.useCats = 0`` is of use with ``bbox`` and ``segm`` only.

    Args:
        cocoGt: Index of the annotations.
        cocoDt: Index of the results, from ``cocoGt.loadRes``.
        iouType: ``'bbox'``, ``'segm'`` or a keypoint type.
        sigmas: Shape (K,), OKS sigma of each keypoint; None takes COCO's 17.
        use_area: Take the ``area`` of annotations; otherwise 0.53 of their box.

    Raises:
        ValueError: If there is no such type.
    """

    def __init__(
        self,
        cocoGt: coco.COCO | None = None,
        cocoDt: coco.COCO | None = None,
        iouType: str = 'keypoints',
        sigmas: ArrayLike | None = None,
        use_area: bool = True,
    ):
        known = ('bbox', 'segm', *KEYPOINT_TYPES)
        if iouType not in known:
            raise ValueError(f'iouType is {iouType!r}; expected one of {known}')
        # pycocotools' Params knows only three types and raises at all others
        base_type = 'keypoints' if iouType in KEYPOINT_TYPES else iouType
        super().__init__(cocoGt, cocoDt, base_type)
        self.params.iouType = iouType
        self.anno_file = getattr(cocoGt, 'anno_file', [None])
        if sigmas is None:
            sigmas = cocoeval.Params('keypoints').kpt_oks_sigmas
        self.sigmas = sigmas
        self.use_area = use_area
        self.score_key = 'score'

    @property
    def _kind(self) -> KeypointType | None:
        return KEYPOINT_TYPES.get(self.params.iouType)

    def _prepare(self) -> None:
        kind = self._kind
        self.score_key = kind.score_field if kind else 'score'
        if kind is None:
            super()._prepare()
            return
        self._gts, self._dts = defaultdict(list), defaultdict(list)
        for gt in self._load(self.cocoGt):
            if not any(
                len(gt.get(field) or ()) for field in ('keypoints', *kind.fields)
            ):
                first, *others = kind.fields
                blank = {first: [0] * (3 * len(self.sigmas))}
                gt = {**gt, **blank, **dict.fromkeys(others, [])}
            if kind.count_field is None:
                count = np.count_nonzero(self._keypoints(gt)[:, 2] > 0)
            else:
                count = gt[kind.count_field]
            gt['ignore'] = bool(gt.get('iscrowd', False)) or count == 0
            self._gts[gt['image_id'], gt['category_id']].append(gt)
        lacks_score = False
        for dt in self._load(self.cocoDt):
            if self.score_key not in dt:
                # written back: loadRes shares these dicts, and _ranked reads the field
                dt[self.score_key] = dt['score']
                lacks_score = True
            if np.any(self._keypoints(dt)[:, 2] > 0):
                self._dts[dt['image_id'], dt['category_id']].append(dt)
        if lacks_score:
            warnings.warn(
                f"results have no {self.score_key!r}; using 'score'", stacklevel=3
            )

    def _load(self, index: coco.COCO) -> list[dict]:
        p = self.params
        cat_ids = p.catIds if p.useCats else []
        return index.loadAnns(index.getAnnIds(imgIds=p.imgIds, catIds=cat_ids))

    def _keypoints(self, ann: dict) -> NDArray:
        """Return x, y (pixels) and visibility of one instance, shape (K, 3)."""
        missing = [field for field in self._kind.fields if field not in ann]
        if missing:
            raise ValueError(
                f'iouType {self.params.iouType!r} needs {missing} in annotations and '
                f'results; id {ann["id"]} of image {ann["image_id"]} has none'
            )
        flat = [value for field in self._kind.fields for value in ann[field]]
        return np.array(flat, dtype=np.float64).reshape(-1, 3)

    def evaluate(self) -> None:
        """Compare detections with annotations, image by image."""
        p = self.params
        # useSegm is of the first API: when set, pycocotools turns it into an iouType
        if self._kind is None or p.useSegm is not None:
            super().evaluate()
            return
        print(f'Evaluate annotation type *{p.iouType}*')
        p.imgIds = list(np.unique(p.imgIds))
        if p.useCats:
            p.catIds = list(np.unique(p.catIds))
        p.maxDets = sorted(p.maxDets)
        self._prepare()
        # as in both originals -1 stands for all categories when useCats is 0
        cat_ids = p.catIds if p.useCats else [-1]
        self.ious = {(i, c): self.computeOks(i, c) for i in p.imgIds for c in cat_ids}
        self.evalImgs = [
            self.evaluateImg(img_id, cat_id, area_range, p.maxDets[-1])
            for cat_id in cat_ids
            for area_range in p.areaRng
            for img_id in p.imgIds
        ]
        self._paramsEval = copy.deepcopy(p)

    def computeOks(self, imgId, catId) -> NDArray | list:
        """Return the similarities of one image, shape (D, G); [] if D or G is 0."""
        gts = self._gts[imgId, catId]
        dts = self._ranked(self._dts[imgId, catId], self.params.maxDets[-1])
        if not gts or not dts:
            return []
        xy_DK2 = np.stack([self._keypoints(dt)[:, :2] for dt in dts])
        return np.stack([self._oks(gt, xy_DK2) for gt in gts], axis=1)

    def _oks(self, gt: dict, xy_DK2: NDArray) -> NDArray:
        """Return the similarity of every detection to ``gt``, shape (D,)."""
        if self.use_area and 'area' not in gt:
            raise ValueError(
                f'annotation {gt["id"]} has no area; use_area=False takes its box'
            )
        keypoints = self._keypoints(gt)
        variances = (np.asarray(self.sigmas) * 2) ** 2
        if not len(variances) == len(keypoints) == xy_DK2.shape[1]:
            raise ValueError(
                f'iouType {self.params.iouType!r}: {len(variances)} sigmas, '
                f'{len(keypoints)} keypoints in annotation {gt["id"]} and '
                f'{xy_DK2.shape[1]} in results of its image'
            )
        box_xywh = np.array(gt['bbox'], dtype=np.float64)
        return object_keypoint_similarity(
            xy_DK2, keypoints, box_xywh, self._area(gt), variances
        )

    def _area(self, gt: dict) -> float:
        if self.use_area and 'area' in gt:
            return gt['area']
        return gt['bbox'][2] * gt['bbox'][3] * BOX_FILL

    def _ranked(self, dts: list[dict], count: int) -> list[dict]:
        # stable, as in the originals: of equal scores the first keeps its place
        order = np.argsort([-dt[self.score_key] for dt in dts], kind='stable')
        return [dts[i] for i in order[:count]]

    def evaluateImg(self, imgId, catId, aRng, maxDet) -> dict | None:
        """Match the detections of one image with its annotations.

        Returns:
            pycocotools' record of the image, -1 standing for unmatched, so that an
            annotation may have id 0; None if there is nothing in the image.
        """
        p = self.params
        cat_ids = [catId] if p.useCats else p.catIds
        gts = [gt for cat_id in cat_ids for gt in self._gts[imgId, cat_id]]
        dts = [dt for cat_id in cat_ids for dt in self._dts[imgId, cat_id]]
        if not gts and not dts:
            return None
        dts = self._ranked(dts, maxDet)
        outside = np.array([_is_outside(dt['area'], aRng) for dt in dts], dtype=bool)
        ignored = np.array(
            [gt['ignore'] or _is_outside(self._area(gt), aRng) for gt in gts],
            dtype=bool,
        )
        # ignored ones last, so that the order of gtIgnore is the originals'
        order = np.argsort(ignored, kind='stable')
        gts, ignored = [gts[i] for i in order], ignored[order]
        crowds = np.array([gt.get('iscrowd', 0) for gt in gts], dtype=bool)

        # pycocotools' own bound: an IoU of exactly 1 must pass a threshold of 1
        thresholds = np.minimum(p.iouThrs, 1 - 1e-10)
        ious = self.ious[imgId, catId]
        ious = ious[: len(dts), order] if len(ious) else np.zeros((len(dts), len(gts)))
        matches = match(ious, thresholds, ignored, crowds)  # (T, D)
        gt_matches = np.full((len(thresholds), len(gts)), -1)
        for d, dt in enumerate(dts):
            t = np.flatnonzero(matches[:, d] >= 0)
            gt_matches[t, matches[t, d]] = dt['id']
        # Unmatched is position -1 and so reads the value appended.
        matched_ids = np.array([gt['id'] for gt in gts] + [-1])[matches]
        matched_ignored = np.append(ignored, False)[matches]
        return {
            'image_id': imgId,
            'category_id': catId,
            'aRng': aRng,
            'maxDet': maxDet,
            'dtIds': [dt['id'] for dt in dts],
            'gtIds': [gt['id'] for gt in gts],
            'dtMatches': matched_ids,
            'gtMatches': gt_matches,
            'dtScores': [dt[self.score_key] for dt in dts],
            'gtIgnore': ignored.astype(np.int64),
            'dtIgnore': matched_ignored | (outside & (matches < 0)),
        }

    def accumulate(self, p: cocoeval.Params | None = None) -> None:
        """Accumulate the images into ``eval``; see pycocotools.

        There a match is a nonzero id, which an annotation with id 0 is not.
        """
        images = self.evalImgs
        self.evalImgs = [
            image and {**image, 'dtMatches': image['dtMatches'] >= 0}
            for image in images
        ]
        # swapped for the call alone: evalImgs keeps the ids that users read
        try:
            super().accumulate(p)
        finally:
            self.evalImgs = images

    def summarize(self) -> None:
        """Print the figures and put them in ``stats``, as the type's row lists them."""
        kind = self._kind
        if kind is None:
            super().summarize()
            return
        if not self.eval:
            raise RuntimeError('run accumulate() before summarize()')
        stats = [self._stat(*row) for row in kind.stats]
        if kind.crowding_stats:
            by_crowding = self.get_type_result(first=0.2, second=0.8)
            names = ('easy', 'medium', 'hard')
            for name, value in zip(names, by_crowding, strict=True):
                self._print_stat(1, None, f'type={name:>6s}', value)
            stats += by_crowding
        self.stats = np.array(stats)

    def _stat(self, is_ap: int, threshold: float | None, area: str) -> float:
        p = self.params
        areas = [i for i, label in enumerate(p.areaRngLbl) if label == area]
        values = self.eval['precision' if is_ap else 'recall'][..., areas, -1]
        if threshold is not None:
            values = values[p.iouThrs == threshold]
        # -1 stands for "no annotation in this range", which is not an AP
        values = values[values > -1]
        value = np.mean(values) if values.size else -1.0
        self._print_stat(is_ap, threshold, f'area={area:>6s}', value)
        return value

    def _print_stat(
        self, is_ap: int, threshold: float | None, subset: str, value: float
    ) -> None:
        thrs = self.params.iouThrs if threshold is None else [threshold]
        iou = ':'.join(f'{t:0.2f}' for t in dict.fromkeys((thrs[0], thrs[-1])))
        title = 'Average Precision  (AP)' if is_ap else 'Average Recall     (AR)'
        subset = f'{subset} | maxDets={self.params.maxDets[-1]:>3d}'
        print(f' {title} @[ IoU={iou:<9} | {subset} ] = {value: 0.3f}')

    def get_type_result(self, first: float = 0.01, second: float = 0.85) -> list[float]:
        """Return the AP of the images that are little, medium and much crowded.

        Args:
            first: ``crowdIndex`` where medium begins.
            second: ``crowdIndex`` where much begins.
        """
        groups = ([], [], [])
        for image in self.cocoGt.dataset['images']:
            crowding = image['crowdIndex']
            groups[(crowding >= first) + (crowding >= second)].append(image['id'])
        results = []
        for image_ids in groups:
            # a copy: the figures of the whole must outlive these three runs
            part = copy.copy(self)
            part.params = copy.deepcopy(self.params)
            part.params.imgIds = image_ids
            with contextlib.redirect_stdout(io.StringIO()):
                part.evaluate()
                part.accumulate()
            precision = part.eval['precision'][:, :, :, 0, :]
            results.append(round(np.mean(precision), 4))
        return results


def _is_outside(area: float, area_range: tuple[float, float]) -> bool:
    return area < area_range[0] or area > area_range[1]
