"""The flip test, and the signs of mirrored normals."""

import pytest
import torch

from sapiens_mm.layers.mirror import NORMAL_SIGNS, flip_average, turn_signs


def test_the_average_is_that_of_the_image_and_its_mirror_image():
    weights = torch.rand(4, 3, 1, 3, generator=torch.Generator().manual_seed(0))

    def network(images):
        return torch.nn.functional.conv2d(images, weights, padding=(0, 1))

    image = torch.rand(2, 3, 5, 6, generator=torch.Generator().manual_seed(1))
    backwards = [5, 4, 3, 2, 1, 0]
    back = network(image[..., backwards])[..., backwards]
    found = flip_average(network, image)
    torch.testing.assert_close(found, (network(image) + back) / 2)
    assert not torch.allclose(found, network(image))
    swapped = flip_average(network, image, lambda maps: maps[:, [1, 0, 2, 3]])
    torch.testing.assert_close(swapped, (network(image) + back[:, [1, 0, 2, 3]]) / 2)


@pytest.mark.parametrize(
    ('direction', 'axes'),
    [('horizontal', [-1]), ('vertical', [-2]), ('diagonal', [-2, -1])],
)
def test_normals_of_a_mirrored_sphere_are_those_of_the_sphere(direction, axes):
    y, x = torch.meshgrid(*[torch.linspace(-0.6, 0.6, 7)] * 2, indexing='ij')
    sphere = torch.stack([x, -y, (1 - x**2 - y**2).sqrt()])  # x right, y up
    torch.testing.assert_close(
        turn_signs(sphere.flip(axes), NORMAL_SIGNS[direction]), sphere
    )
