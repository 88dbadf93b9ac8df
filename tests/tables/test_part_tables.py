"""Part classes: hand-checked values, mirror pairs and maps between class sets."""

import pytest

from sapiens_mm.tables import CIHP20, FACE19, GOLIATH28, LIP20, body_parts, part_table


@pytest.mark.parametrize(
    ('name', 'num', 'last', 'color'),
    [
        ('goliath28', 28, 'Tongue', (82, 21, 114)),
        ('lip20', 20, 'Right-shoe', (255, 170, 0)),
        ('cihp20', 20, 'Right-shoe', (255, 170, 0)),
        ('face19', 19, 'Facewear', (75, 0, 130)),
    ],
)
def test_lookup(name, num, last, color):
    table = part_table(name)
    assert (table.name, table.num_classes) == (name, num)
    assert len(set(table.classes)) == len(table.palette) == num
    assert (table.classes[0], table.classes[-1]) == ('Background', last)
    assert table.palette[-1] == color


def test_lookup_says_what_exists():
    with pytest.raises(ValueError, match=r"'goliath'; expected .*'goliath28'"):
        part_table('goliath')


def test_class_weights():
    assert GOLIATH28.class_weights == tuple(
        [0.1, 10, 3, 2, 4, 4, 2, 2, 6, 10, 3, 3, 1, 4]
        + [4, 2, 2, 6, 10, 3, 3, 1, 1, 10, 10, 10, 10, 10]
    )
    assert LIP20.class_weights == CIHP20.class_weights
    assert LIP20.class_weights == tuple(
        [0.1, 1.5, 1.0, 1.5, 1.5, 0.8, 1.2, 1.0, 1.5, 0.8]
        + [1.2, 1.5, 1.5, 0.7, 1.0, 1.0, 1.0, 1.0, 1.5, 1.5]
    )
    assert FACE19.class_weights is None


def test_swap_pairs():
    assert GOLIATH28.swap_pairs == tuple((k, k + 9) for k in range(4, 12))
    assert LIP20.swap_pairs == CIHP20.swap_pairs == ((14, 15), (16, 17), (18, 19))
    assert FACE19.swap_pairs == ((3, 4), (5, 6), (7, 8))


@pytest.mark.parametrize('name', ['goliath28', 'lip20', 'cihp20', 'face19'])
def test_swap_covers_exactly_the_sided_classes(name):
    table = part_table(name)
    other = {'Left': 'Right', 'Right': 'Left'}
    for c, mirror in enumerate(table.flip_indices):
        side = table.classes[c].replace('_', '-').split('-')[0]
        expected = table.classes[c].replace(side, other.get(side, side), 1)
        assert table.classes[mirror] == expected


def test_source_34_drops_six_classes_and_keeps_order():
    to_28 = body_parts.SOURCE_34_TO_28
    dropped = {
        name
        for name, to in zip(body_parts.SOURCE_34_CLASSES, to_28, strict=True)
        if to == 255
    }
    assert dropped == {
        'Chair',
        'Eyeglass_Frame',
        'Eyeglass_Lenses',
        'Headset',
        'Lower_Spandex',
        'Visible_Badge',
    }
    assert [to for to in to_28 if to != 255] == list(range(28))


def test_maps_from_other_sets():
    lip = [0, 255, 3, 255, 255, 22, 255, 22, 255, 12]
    lip += [255, 255, 22, 2, 255, 255, 255, 255, 8, 17]
    assert list(body_parts.LIP_TO_28) == list(body_parts.CIHP_TO_28) == lip
    atr = [0, 255, 3, 255, 22, 12, 12, 255, 255, 8, 17, 2, 255, 255, 255, 255, 255, 255]
    assert list(body_parts.ATR_TO_28) == atr
    pascal = [0, 2, 2, 2, 2, 2, 2, 2, 2, 255, 3, 22, 2, 255, 255]
    pascal += [5, 255, 255, 14, 255, 255, 8, 255, 255, 17]
    assert list(body_parts.PASCAL_TO_28) == pascal


def test_metainfo():
    info = LIP20.metainfo()
    assert info['classes'][13] == 'Face'
    assert info['palette'][13] == [0, 0, 255]
