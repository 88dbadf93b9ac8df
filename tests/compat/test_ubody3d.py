"""mmpose's UBody3D data set reads its annotations."""

import json

import numpy as np
import pytest

from sapiens_mm.compat import ubody3d, views

host = pytest.importorskip('mmpose.datasets.datasets.wholebody3d.ubody3d_dataset')

NUM_KEYPOINTS = 133  # as mmpose describes the data set


@pytest.fixture
def annotations(tmp_path):
    annotation = dict(
        keypoints=[[5.0, 6.0]] * NUM_KEYPOINTS,
        keypoints_3d=[[5.0, 6.0, 7.0]] * NUM_KEYPOINTS,
        keypoints_valid=[1] * NUM_KEYPOINTS,
        bbox=[1, 2, 30, 40],
        camera_param=dict(focal=[5000, 5000], princpt=[50, 50]),
        category_id=1,
        iscrowd=0,
    )
    images = [dict(id=i, file_name=f'talk/clip/{i:06}.png') for i in (1, 2)]
    content = dict(
        images=images,
        annotations=[dict(annotation, id=i, image_id=i) for i in (1, 2)],
        categories=[dict(id=1, name='person')],
    )
    path = tmp_path / 'ubody.json'
    path.write_text(json.dumps(content))
    return path


def test_reading(annotations):
    data = host.UBody3dDataset(ann_file=str(annotations), seq_len=1, lazy_init=False)
    assert len(data) == 2
    info = data.get_data_info(0)
    assert info['bbox_scores'].tolist() == [1]
    assert info['bbox_scores'].dtype == np.float32
    assert info['bbox'].tolist() == [[1, 2, 30, 40]]
    assert info['lifting_target'].shape == (1, NUM_KEYPOINTS, 3)


def test_only_the_score_has_no_dimensions():
    if not isinstance(host.np, views.View):
        pytest.skip('numpy takes the score as mmpose writes it')
    assert host.np.array([1], dtype=np.float32).shape == ()
    assert host.np.array([1, 1]).shape == (2,)
    assert host.np.array([[1]]).shape == (1, 1)
    assert np.array([1]).shape == (1,)


def test_stands_aside_for_numpy_that_takes_it(monkeypatch):
    monkeypatch.setattr(ubody3d, '_numpy_refuses', lambda: False)
    monkeypatch.setattr(host, 'np', np)
    ubody3d._patch(host)
    assert host.np is np
