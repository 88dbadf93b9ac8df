"""mmpose's 3-D drawing, and the tensors that its drawings are given."""

import importlib

import numpy as np
import pytest
import torch

from sapiens_mm.compat import array_copies, figures, views

pytest.importorskip('mmpose')

from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402
from mmpose.structures import PoseDataSample  # noqa: E402
from mmpose.visualization import (  # noqa: E402
    Pose3dLocalVisualizer,
    PoseLocalVisualizer,
    local_visualizer,
    local_visualizer_3d,
)

GREY = np.full((60, 80, 3), 90, np.uint8)
NUMPY_2 = np.lib.NumpyVersion(np.__version__) >= '2.0.0'


def set_meta(visualizer):
    visualizer.kpt_color = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255)])
    visualizer.skeleton = [(0, 1), (1, 2)]
    visualizer.link_color = np.array([(255, 255, 0), (0, 255, 255)])
    visualizer.dataset_meta = {}


def test_bytes_of_a_figure_are_rgb():
    figure = Figure(figsize=(0.4, 0.3), dpi=100, facecolor=(1, 0.2, 0))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.frombuffer(figures._rgb_bytes(canvas), np.uint8).reshape(30, 40, 3)
    assert (pixels == (255, 51, 0)).all()


def test_3d_drawing():
    visualizer = Pose3dLocalVisualizer()
    set_meta(visualizer)
    sample = PoseDataSample()
    sample.pred_instances = InstanceData(
        keypoints=np.array([[[0, 0, 0], [0.5, 0, 0.5], [0, 0.5, 1.0]]]),
        keypoint_scores=np.ones((1, 3)),
    )
    visualizer.add_datasample('three', GREY, sample, draw_gt=False, draw_2d=False)
    image = visualizer.get_image()
    assert image.shape == (80, 80, 3)
    pixels = image.reshape(-1, 3).astype(int)
    for channel in range(3):  # red, green and blue dots; a swap would still have them
        others = np.delete(pixels, channel, axis=1)
        assert (pixels[:, channel] - others.max(axis=1)).max() > 60
    assert not hasattr(importlib.import_module('matplotlib.pyplot'), 'tostring_rgb')


def test_matplotlib_stays_as_it_is():
    if hasattr(FigureCanvasAgg, 'tostring_rgb'):
        assert not isinstance(local_visualizer_3d.plt, views.View)
        pytest.skip('this matplotlib has it')
    made = local_visualizer_3d.plt.figure(figsize=(0.2, 0.2))
    assert hasattr(made.canvas, 'tostring_rgb')
    local_visualizer_3d.plt.close(made)
    made = local_visualizer_3d.plt._library.figure(figsize=(0.2, 0.2))
    assert not hasattr(made.canvas, 'tostring_rgb')
    local_visualizer_3d.plt.close(made)


@pytest.mark.parametrize('style', ['mmpose', 'openpose'])
def test_tensors_are_drawn_as_arrays_are(style):
    keypoints = np.random.default_rng(0).uniform(5, 55, (2, 17, 2)).astype(np.float32)
    images = []
    for convert in (np.asarray, torch.from_numpy):
        visualizer = PoseLocalVisualizer(kpt_color='red', link_color=None)
        set_meta(visualizer)
        visualizer.kpt_color = np.tile([[255, 0, 0]], (18, 1))
        visualizer.kpt_color = visualizer.kpt_color[: 18 if style == 'openpose' else 17]
        sample = PoseDataSample()
        sample.pred_instances = InstanceData(
            keypoints=convert(keypoints),
            keypoint_scores=convert(np.ones((2, 17), np.float32)),
        )
        visualizer.add_datasample(
            'x', GREY, sample, draw_bbox=False, draw_heatmap=False, skeleton_style=style
        )
        images.append(visualizer.get_image())
    assert np.array_equal(*images)
    assert (images[0] != 90).any()


def test_copies_are_made_only_where_they_must():
    for module in (local_visualizer, local_visualizer_3d):
        array = np.zeros(3)
        assert np.shares_memory(module.np.array(array, copy=False), array)
        assert module.np.array(torch.ones(3), copy=False).tolist() == [1, 1, 1]
        assert not np.shares_memory(module.np.array(array), array)
        assert module.np.array([1], dtype=np.int8).dtype == np.int8
    if NUMPY_2:
        with pytest.raises(ValueError, match='Unable to avoid copy'):
            np.array([1], copy=False)


@pytest.mark.parametrize('patch', [figures, array_copies])
def test_stands_aside_for_a_patched_host(patch, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f'made_up_for_{patch.__name__.rpartition(".")[2]}'
    text = 'import numpy as np\nimport matplotlib.pyplot as plt\n'
    (tmp_path / f'{name}.py').write_text(text + 'made = np.asarray([1])\n')
    module = importlib.import_module(name)
    (patch._patch if patch is figures else patch._allow_copies)(module)
    assert module.np is np
    assert not isinstance(module.plt, views.View)


def test_stands_aside_for_numpy_1(monkeypatch):
    monkeypatch.setattr(array_copies, '_refuses_copies', lambda: False)
    before = local_visualizer.np
    array_copies._allow_copies(local_visualizer)
    assert local_visualizer.np is before
