import pytest
from sentences import says


def test_says():
    assert says(ValueError('a.png holds 3 of 6'), 'a.png', 3, '6')
    for facts in (('b.png',), ('3', 'a.png'), ('6', '6')):
        with pytest.raises(AssertionError, match='is not told'):
            says('a.png holds 3 of 6', *facts)
