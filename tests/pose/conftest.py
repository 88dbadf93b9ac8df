"""Tiny annotation files of the three vocabularies."""

import json

import cv2
import numpy as np
import pytest

from sapiens_mm.testing import fake_person

HW = (64, 48)


@pytest.fixture
def keypoint_file(tmp_path):
    """A function that writes a file of drawn people, one to an image.

    ``change`` may alter the content before it is written. All keypoints lie on the
    image, at places that differ, and have visibility 2.
    """
    from sapiens_mm.pose.keypoint_files import annotation_fields, category

    def write(num_keypoints, people=3, change=None, name='people.json'):
        rng = np.random.RandomState(0)
        images, annotations = [], []
        (tmp_path / 'photos').mkdir(exist_ok=True)
        for n in range(people):
            person = fake_person(n, HW)
            file_name = f'photos/{n}.png'
            cv2.imwrite(str(tmp_path / file_name), person.image)
            points = np.full((num_keypoints, 3), 2.0)
            points[:, :2] = rng.randint(4, 44, (num_keypoints, 2))
            points[: min(17, num_keypoints), :2] = person.keypoints.round(1)
            x1, y1, x2, y2 = person.box_xyxy.tolist()
            images.append(dict(id=10 + n, file_name=file_name, width=48, height=64))
            annotations.append(
                dict(
                    id=100 + n,
                    image_id=10 + n,
                    category_id=1,
                    iscrowd=0,
                    segmentation=[],
                    bbox=[x1, y1, x2 - x1, y2 - y1],
                    area=(x2 - x1) * (y2 - y1),
                    **annotation_fields(points),
                )
            )
        content = dict(
            images=images, annotations=annotations, categories=[category(num_keypoints)]
        )
        if change is not None:
            change(content)
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def evaluate(tmp_path):
    """Write annotations to a file and evaluate samples on it."""
    from metric_people import contents, run

    def _evaluate(annotations, samples, num=308, num_images=None, **kwargs):
        path = tmp_path / 'annotations.json'
        path.write_text(json.dumps(contents(annotations, num_images)))
        metric = dict(type='sapiens_mm.SapiensKeypointMetric', ann_file=str(path))
        return run(metric | kwargs, samples, num)

    return _evaluate
