"""Random crowds of people with results, for comparing COCO evaluators.

Everything follows from a seed. Coordinates are rounded, so that annotations are the
same on every machine; ``RandomState`` draws the same numbers in every numpy.
"""

import contextlib
import io
import json
import warnings

import numpy as np

FIELDS = {
    'keypoints': 17,
    'foot_kpts': 6,
    'face_kpts': 68,
    'lefthand_kpts': 21,
    'righthand_kpts': 21,
}
TYPES = {
    'keypoints': ('keypoints',),
    'keypoints_body': ('keypoints',),
    'keypoints_foot': ('foot_kpts',),
    'keypoints_face': ('face_kpts',),
    'keypoints_lefthand': ('lefthand_kpts',),
    'keypoints_righthand': ('righthand_kpts',),
    'keypoints_wholebody': tuple(FIELDS),
    'keypoints_crowd': ('keypoints',),
    'bbox': (),
}
SCORES = {
    'foot_kpts': 'foot_score',
    'face_kpts': 'face_score',
    'lefthand_kpts': 'lefthand_score',
    'righthand_kpts': 'righthand_score',
}
HARD_BOX_SIZES = (12, 30, 60, 90, 150, 300)  # pixels; COCO splits at 32 and 96


def make_case(seed, num_images=8, missing_areas=False):
    """Make annotations and results that hold every special case we know of.

    Crowds, people and parts without a labelled keypoint, an annotation with id 0,
    twins (equal similarities), equal scores, more than 20 results in an image,
    images with only annotations or only results, results without visible keypoints,
    with and without scores of their parts, two categories.

    Args:
        seed: Any integer.
        num_images: How many images.
        missing_areas: Leave every third annotation without ``area``.

    Returns:
        The contents of an annotation file, and of a result file.
    """
    rng = np.random.RandomState(seed)
    anns, results = [], []
    for image_id in range(num_images):
        people = [_person(rng) for _ in range(rng.randint(1, 7))]
        people += people[:1]
        for person in people:
            ann = {
                **person,
                'id': len(anns),
                'image_id': image_id,
                'category_id': 1 + int(rng.rand() < 0.15),
                'iscrowd': int(rng.rand() < 0.12),
            }
            if missing_areas and len(anns) % 3 == 0:
                del ann['area']
            if image_id != 1:
                anns.append(ann)
            for _ in range(rng.choice([0, 1, 1, 2, 8])):
                if image_id != 2:
                    results.append(_result(rng, ann))
    for result in results[::3]:
        result.update({name: _score(rng) for name in SCORES.values()})
        result['wholebody_score'] = _score(rng)
    if seed % 2:
        for result in results:
            del result['bbox']
    images = [
        {'id': i, 'width': 640, 'height': 480, 'crowdIndex': (i * 0.23) % 1}
        for i in range(num_images)
    ]
    categories = [{'id': 1, 'name': 'person'}, {'id': 2, 'name': 'statue'}]
    annotations = {'images': images, 'annotations': anns, 'categories': categories}
    return annotations, results


def _person(rng):
    w, h = np.round(rng.choice(HARD_BOX_SIZES) * rng.uniform(0.7, 1.4, 2), 1)
    x, y = np.round(rng.uniform(0, 300, 2), 1)
    person = {
        'bbox': [x, y, w, h],
        'area': round(w * h * rng.uniform(0.3, 0.8), 1),
    }
    for field, count in FIELDS.items():
        xy = np.round([x, y] + rng.rand(count, 2) * [w, h], 1)
        v = rng.choice([0, 1, 2, 2], size=(count, 1)) * (rng.rand() > 0.2)
        person[field] = np.hstack([xy * (v > 0), v]).ravel().tolist()
    person['num_keypoints'] = int(np.count_nonzero(person['keypoints'][2::3]))
    return person


def _result(rng, ann):
    # From exact to far off; the exact ones have OKS 1 and tie.
    noise = rng.choice([0, 0.01, 0.03, 0.1]) * max(ann['bbox'][2:])
    result = {
        'image_id': ann['image_id'],
        'category_id': ann['category_id'],
        'bbox': np.round(ann['bbox'] + rng.randn(4) * noise / 2, 1).tolist(),
        'score': _score(rng),
    }
    for field in FIELDS:
        xyv = np.reshape(ann[field], (-1, 3)).astype(float)
        xyv[:, :2] += np.round(rng.randn(len(xyv), 2) * noise, 1)
        xyv[:, 2] = np.round(rng.rand(len(xyv)), 2) * (rng.rand() > 0.05)
        result[field] = xyv.ravel().tolist()
    return result


def _score(rng):
    return float(rng.randint(0, 11)) / 10


def sigmas_of(iou_type):
    """Return sigmas of 0.025 to 0.1, float32 as in mmpose's data set records."""
    count = sum(FIELDS[field] for field in TYPES[iou_type])
    return np.float32(0.025 * (1 + np.arange(count) % 4)) if count else None


def evaluate(coco_class, eval_class, folder, case, iou_type, use_area):
    """Evaluate a case through files, as mmpose does.

    Args:
        coco_class: ``COCO`` of the evaluator.
        eval_class: ``COCOeval`` of the evaluator.
        folder: Where to write the two files.
        case: Annotations and results.
        iou_type: A key of ``TYPES``.
        use_area: As for ``COCOeval``.

    Returns:
        The finished ``COCOeval``.
    """
    paths = [folder / 'annotations.json', folder / 'results.json']
    for path, contents in zip(paths, case, strict=True):
        path.write_text(json.dumps(contents))
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # results without part scores
        gt = coco_class(str(paths[0]))
        dt = gt.loadRes(str(paths[1]))
        run = eval_class(gt, dt, iou_type, sigmas_of(iou_type), use_area)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run
