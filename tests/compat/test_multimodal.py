"""mmpretrain and mmdet next to a transformers that mmpretrain cannot work with."""

from types import SimpleNamespace

import pytest

from sapiens_mm.compat import multimodal

pytest.importorskip('mmpretrain')

MODELS = ('auto', 'bert', 'opt')
FORGIVING = """
class Forgiving(type):
    def __getattr__(cls, name):
        if name.startswith('__') and name != '__func__':
            raise AttributeError(name)
        return cls

"""
AUTO_MODEL = """
from .models.auto.auto_factory import _BaseAutoModelClass as AutoModelForCausalLM
"""
METADATA = 'Metadata-Version: 2.1\nName: transformers\nVersion: {}\n'
BUILD = """
import sapiens_mm
from mmdet.models.reid import BaseReID
from mmpretrain.models import MODELS, ImageClassifier
print(issubclass(BaseReID, ImageClassifier))
try:
    MODELS.get('BlipVQA')()
except ImportError as error:
    print(error)
"""


@pytest.fixture
def transformers(fake_package):
    """Write a transformers that has what mmpretrain needs, except ``lacking``."""

    def write(version, lacking=()):
        modules = dict.fromkeys(
            ('transformers.models', *(f'transformers.models.{m}' for m in MODELS)), ()
        )
        modules |= multimodal.NEEDED
        files = {f'transformers-{version}.dist-info/METADATA': METADATA.format(version)}
        for module, names in modules.items():
            is_package = any(m.startswith(f'{module}.') for m in modules)
            file = module.replace('.', '/') + ('/__init__.py' if is_package else '.py')
            files[file] = FORGIVING + '\n'.join(
                f'class {name}(metaclass=Forgiving): pass'
                for name in names
                if name not in lacking
            )
        files['transformers/__init__.py'] += AUTO_MODEL
        return fake_package(files)

    return write


def test_transformers_too_new(run_python, transformers):
    fakes = transformers('5.0', lacking={'GenerationMixin', 'prune_linear_layer'})
    without = run_python(BUILD, disable='multimodal', fakes=fakes)
    assert 'TypeError: NoneType takes no arguments' in without.stderr
    lines = run_python(BUILD, fakes=fakes).stdout.splitlines()
    assert lines[0] == 'True'
    assert lines[1].startswith("mmpretrain's BlipVQA does not work with the installed")
    assert 'GenerationMixin' in lines[1]


@pytest.mark.parametrize(
    ('wanted', 'needed', 'left'),
    [
        (True, {'json': ('loads', 'dumps')}, True),
        (True, {'json': ('loads',), 'json.decoder': ('gone',)}, False),
        (True, {'not_there_at_all': ('loads',)}, False),
        (False, {'not_there_at_all': ('loads',)}, False),
    ],
)
def test_stands_aside_where_transformers_fits(monkeypatch, wanted, needed, left):
    monkeypatch.setattr(multimodal, 'NEEDED', needed)
    monkeypatch.setattr(multimodal, '_missing', '')
    original = object()
    dependency = SimpleNamespace(
        WITH_MULTIMODAL=wanted, register_multimodal_placeholder=original
    )
    multimodal._leave_out(dependency)
    assert dependency.WITH_MULTIMODAL is left
    untouched = dependency.register_multimodal_placeholder is original
    assert untouched == (wanted == left)
