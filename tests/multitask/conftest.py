"""One person in one image, with maps whose values are known everywhere."""

import cv2
import numpy as np
import pytest

SIZE_HW = (120, 90)
FROM, TO = (20.0, 80.0), (60.0, 50.0)  # (x, y): an arrow to the right and up


@pytest.fixture
def arrow_results(tmp_path):
    """Results of a pipeline before the crop; normals lie along the arrow."""
    height, width = SIZE_HW
    rng = np.random.default_rng(0)
    direction = np.array([TO[0] - FROM[0], FROM[1] - TO[1], 0.0])  # y up
    direction /= np.linalg.norm(direction)
    normal = np.broadcast_to(direction, (height, width, 3))
    maps = dict(
        labels=rng.integers(0, 28, SIZE_HW).astype(np.uint8),
        depth=rng.integers(1000, 3000, SIZE_HW).astype(np.uint16),
        normal=np.round((normal + 1) / 2 * 255).astype(np.uint8)[..., ::-1],
    )
    maps['depth'][:15] = 0
    paths = {kind: str(tmp_path / f'{kind}.png') for kind in maps}
    for kind, path in paths.items():
        cv2.imwrite(path, np.ascontiguousarray(maps[kind]))
    return dict(
        img=rng.integers(0, 255, (*SIZE_HW, 3)).astype(np.uint8),
        img_shape=SIZE_HW,
        map_paths=paths,
        stored=maps,
        keypoints=np.array([[FROM, TO]], np.float32),
        keypoints_visible=np.ones((1, 2), np.float32),
        bbox=np.array([[5, 10, 85, 110]], np.float32),
        bbox_center=np.array([[45, 60]], np.float32),
        bbox_scale=np.array([[90, 120]], np.float32),
        flip_indices=[0, 1],
    )
