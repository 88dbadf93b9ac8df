"""The size table is the one owner of widths and depths."""

import pytest

from sapiens_mm.backbones import SapiensViT
from sapiens_mm.checkpoints.zoo import released_files
from sapiens_mm.layers.archs import ARCHS, arch_of, find_arch
from sapiens_mm.tasks import SIZES


def test_the_sizes_that_commands_offer_are_those_of_the_table_but_our_own():
    names = [f'sapiens_{size}' for size in SIZES]
    assert names == [name for name in ARCHS if name != 'sapiens_tiny']


@pytest.mark.parametrize('name', ARCHS)
def test_width_and_depth_name_a_size(name):
    arch = find_arch(name)
    assert arch_of(arch.embed_dims, arch.num_layers) == name
    assert arch_of(arch.embed_dims, arch.num_layers + 1) is None


def test_parameters_are_those_of_the_model():
    model = SapiensViT('tiny', img_size=(64, 48))
    count = sum(each.numel() for each in model.parameters())
    assert find_arch('tiny').num_parameters(4 * 3) == count


def test_bytes_of_released_encoders():
    found = {f.size: f.num_bytes for f in released_files() if f.task == 'pretrain'}
    millions = {'0.3b': 307.3, '0.6b': 635.9, '1b': 1140.7, '2b': 2133.9}
    for size, expected in millions.items():
        assert found[size] / 2e6 == pytest.approx(expected, rel=1e-3) or (
            found[size] / 4e6 == pytest.approx(expected, rel=1e-3)
        )
