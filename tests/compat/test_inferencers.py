"""The hosts' own inferencers draw their images, whatever the weights find."""

import cv2
import numpy as np
import pytest
import torch

from sapiens_mm.testing import fake_person_image

pytestmark = pytest.mark.slow

TOP_DOWN = 'body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192'
LIFTING = 'body_3d_keypoint/video_pose_lift/h36m/'
LIFTING += 'video-pose-lift_tcn-1frm-supv-cpn-ft_8xb128-160e_h36m'
POSE = f"""
_base_ = 'mmpose::{TOP_DOWN}.py'
model = dict(backbone=dict(depth=18, init_cfg=None), head=dict(in_channels=512))
"""
LIFT = f"_base_ = 'mmpose::{LIFTING}.py'"
SEG = "_base_ = 'mmseg::fastscnn/fast_scnn_8xb4-160k_cityscapes-512x1024.py'"
DET = """
_base_ = 'mmdet::rtmdet/rtmdet-ins_tiny_8xb32-300e_coco.py'
model = dict(backbone=dict(init_cfg=None))
"""


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), fake_person_image()[..., ::-1])
    return str(path)


@pytest.fixture
def config(tmp_path):
    def write(name, text):
        path = tmp_path / f'{name}.py'
        path.write_text(text)
        return str(path)

    return write


def assert_drawn(folder, photo):
    (path,) = folder.iterdir()
    drawn, before = cv2.imread(str(path)), cv2.imread(photo)
    height, width = before.shape[:2]
    assert drawn.shape[0] >= height
    assert np.abs(drawn[:height, :width].astype(int) - before).max() > 50


def test_mmpose(photo, config, tmp_path):
    apis = pytest.importorskip('mmpose.apis')
    torch.manual_seed(0)
    pose = config('pose', POSE)
    inferencer = apis.MMPoseInferencer(pose, det_model='whole_image', device='cpu')
    list(inferencer(photo, vis_out_dir=str(tmp_path / 'two'), kpt_thr=0))
    assert_drawn(tmp_path / 'two', photo)
    lifter = apis.MMPoseInferencer(
        pose,
        pose3d=config('lift', LIFT),
        det_model='whole_image',
        device='cpu',
    )
    list(lifter(photo, vis_out_dir=str(tmp_path / 'three'), kpt_thr=0))
    (path,) = (tmp_path / 'three').iterdir()
    height, width = fake_person_image().shape[:2]
    # the image on a square, and the 3-D figure beside it
    assert cv2.imread(str(path)).shape == (height, 2 * height, 3)


def test_mmseg(photo, config, tmp_path):
    apis = pytest.importorskip('mmseg.apis')
    inferencer = apis.MMSegInferencer(config('seg', SEG), device='cpu')
    inferencer(photo, out_dir=str(tmp_path / 'out'))
    assert_drawn(tmp_path / 'out' / 'vis', photo)


def test_mmdet(photo, config, tmp_path):
    apis = pytest.importorskip('mmdet.apis')
    inferencer = apis.DetInferencer(config('det', DET), device='cpu')
    inferencer(photo, out_dir=str(tmp_path / 'out'), pred_score_thr=0)
    assert_drawn(tmp_path / 'out' / 'vis', photo)
