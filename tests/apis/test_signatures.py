"""What help shows of the inferencers: every argument, declared once."""

import inspect
import pydoc

import pytest

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from sapiens_mm import apis
from sapiens_mm.apis.dense import DenseInferencer
from sapiens_mm.apis.inferencer import Inferencer

COMMON = [
    'config',
    'checkpoint',
    'device',
    'dtype',
    'compile',
    'flip_test',
    'batch_size',
]
OWN = {
    apis.PoseInferencer: {'detector'},
    apis.SegInferencer: {'mode', 'resize', 'detector', 'cleanup', 'probabilities'},
    apis.DepthInferencer: {'segmenter', 'tile', 'tile_overlap'},
    apis.NormalInferencer: {'segmenter', 'tile', 'tile_overlap'},
    apis.FeatureInferencer: set(),
}


@pytest.mark.parametrize('cls', OWN)
def test_help_names_and_describes_every_argument(cls):
    found = inspect.signature(cls).parameters
    assert set(found) == set(COMMON) | OWN[cls]
    assert list(found)[:2] == COMMON[:2]
    assert found['device'].default is None and found['device'].annotation
    text = pydoc.plain(pydoc.render_doc(cls))
    for name in found:
        assert f'\n |      {name}: ' in text, name


def test_a_subclass_of_the_users_own_shows_them_too():
    class Plain(DenseInferencer):
        """Says nothing of arguments."""

    class Own(apis.DepthInferencer):
        """Has one of its own.

        Args:
            strength: Of the effect.
        """

        def __init__(self, *args, strength=1, **kwargs):
            super().__init__(*args, **kwargs)

    assert list(inspect.signature(Plain).parameters) == COMMON
    assert 'dtype: ``' in Plain.__doc__ and Plain.__doc__.startswith('Says nothing')
    names = list(inspect.signature(Own).parameters)
    assert names[:3] == ['config', 'checkpoint', 'strength'] and 'tile' in names
    assert '    strength: Of the effect.\n' in Own.__doc__
    assert '    tile_overlap: ' in Own.__doc__


def test_an_argument_that_nobody_knows_is_refused():
    assert inspect.signature(Inferencer).parameters.keys() == set(COMMON)
    with pytest.raises(TypeError, match='batchsize'):
        apis.DepthInferencer(batchsize=3)


def test_a_task_of_ones_own_names_its_config():
    class Own(DenseInferencer):
        def finish(self, prepared, outputs):
            return prepared, outputs

    with pytest.raises(ValueError, match='Own has a task of its own: name its config'):
        Own(None, 'own.pth')
