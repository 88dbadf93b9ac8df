"""Circles of mmpose's OpenCV drawing."""

import cv2
import numpy as np
import pytest

from sapiens_mm.compat import circles

pytest.importorskip('mmpose')

from mmengine.structures import InstanceData  # noqa: E402
from mmpose.structures import PoseDataSample  # noqa: E402
from mmpose.visualization import PoseLocalVisualizer  # noqa: E402
from mmpose.visualization import opencv_backend_visualizer as host  # noqa: E402

GREY = np.full((40, 50, 3), 90, np.uint8)


def draw(radius, backend='opencv', alpha=1.0, method=None):
    visualizer = host.OpencvBackendVisualizer(backend=backend)
    visualizer.set_image(GREY.copy())
    method = method or host.OpencvBackendVisualizer.draw_circles
    centre = np.array([20.0, 15.0])
    method(visualizer, centre, radius, face_colors=(255, 0, 0), alpha=alpha)
    return visualizer.get_image()


@pytest.mark.parametrize('alpha', [1.0, 0.5])
@pytest.mark.parametrize('radius', [3, np.array([3]), np.array([3.7])])
def test_a_circle_of_an_array_is_that_of_its_number(radius, alpha):
    expected = cv2.circle(GREY.copy(), (20, 15), 3, (255, 0, 0), -1)
    expected = cv2.addWeighted(GREY, 1 - alpha, expected, alpha, 0)
    assert np.array_equal(draw(radius, alpha=alpha), expected)


def test_numpy_refuses_without_the_patch():
    if not circles.numpy_refuses():
        pytest.skip('numpy takes the number out of the array by itself')
    original = host.OpencvBackendVisualizer.draw_circles.__wrapped__
    with pytest.raises(TypeError, match='0-dimensional'):
        draw(np.array([3]), method=original)


def test_matplotlib_gets_the_array():
    image = draw(np.array([3]), backend='matplotlib')
    assert image[15, 20].tolist() == [255, 0, 0]
    assert image[5, 5].tolist() == [90, 90, 90]


def test_several_radii_are_no_number():
    with pytest.raises(TypeError):
        draw(np.array([3, 4]))


def test_the_default_drawing_of_mmpose():
    visualizer = PoseLocalVisualizer(radius=4)
    colors = [(255, 0, 0), (0, 255, 0)]
    visualizer.set_dataset_meta(
        dict(keypoint_colors=colors, skeleton_links=[(0, 1)], dataset_name='two')
    )
    visualizer.kpt_color = np.array(colors)
    visualizer.link_color = np.array([(0, 0, 255)])
    sample = PoseDataSample()
    sample.pred_instances = InstanceData(
        keypoints=np.array([[[10.0, 20.0], [40.0, 20.0]]]),
        keypoint_scores=np.ones((1, 2)),
    )
    visualizer.add_datasample('two', GREY, sample, draw_gt=False, draw_heatmap=False)
    image = visualizer.get_image().astype(int)
    red, green, blue = image[20, 10], image[20, 40], image[20, 25]
    assert red.argmax() == 0 and red[0] > 200
    assert green.argmax() == 1 and green[1] > 200
    assert blue.argmax() == 2 and blue[2] > 200


def test_stands_aside(monkeypatch):
    before = host.OpencvBackendVisualizer.draw_circles.__wrapped__

    class Host:
        class OpencvBackendVisualizer:
            draw_circles = before

    monkeypatch.setattr(circles, 'numpy_refuses', lambda: False)
    circles._patch(Host)
    assert Host.OpencvBackendVisualizer.draw_circles is before

    def patched(self, center, radius):
        return int(np.ravel(radius)[0])

    Host.OpencvBackendVisualizer.draw_circles = patched
    monkeypatch.setattr(circles, 'numpy_refuses', lambda: True)
    circles._patch(Host)
    assert Host.OpencvBackendVisualizer.draw_circles is patched
