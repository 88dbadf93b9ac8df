"""Our types are found from every host's scope, and missing hosts are named."""

import subprocess
import sys
import textwrap

import mmengine.registry
import pytest
import torch
from mmengine.registry import DefaultScope, Registry

from sapiens_mm import registry
from sapiens_mm.backbones import SapiensSimplePyramid, SapiensViT
from sapiens_mm.testing import TINY_HW, tiny_arch

VIT = dict(type='sapiens_mm.SapiensViT', arch=tiny_arch(), img_size=TINY_HW)
HOSTS = ['mmengine', 'mmpose', 'mmseg', 'mmdet', 'mmpretrain']
# name -> the package that holds the class, and the host it needs
TYPES = {
    'SapiensViT': ('backbones', 'mmengine'),
    'SapiensSimplePyramid': ('backbones', 'mmengine'),
    'SapiensHeatmapHead': ('pose', 'mmpose'),
    'SapiensSegHead': ('seg', 'mmseg'),
    'SapiensDepthHead': ('geometry', 'mmseg'),
    'SapiensNormalHead': ('geometry', 'mmseg'),
    'SapiensMapEstimator': ('geometry', 'mmseg'),
    'SapiensMapPreprocessor': ('geometry', 'mmseg'),
    'SapiensSiLogLoss': ('geometry', 'mmseg'),
    'SapiensNormalCosineLoss': ('geometry', 'mmseg'),
    'SapiensNormalL1Loss': ('geometry', 'mmseg'),
    'SapiensMaskedViT': ('pretrain', 'mmpretrain'),
    'SapiensMultitaskHead': ('multitask', 'mmpose'),
}


def run(code):
    """Run code in a new interpreter and return the lines it prints."""
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', textwrap.dedent(code)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize('default_scope', [True, False])
@pytest.mark.parametrize('host', HOSTS)
def test_every_host_builds_our_types(host, default_scope):
    models = pytest.importorskip(f'{host}.registry').MODELS
    if default_scope:
        with DefaultScope.overwrite_default_scope(host):
            model = mmengine.registry.MODELS.build(dict(VIT))
    else:
        model = models.build(dict(VIT))
    assert type(model) is SapiensViT
    image = torch.zeros(1, 3, *TINY_HW)
    assert model(image)[0].shape == (1, 32, 4, 3)
    neck = dict(type='sapiens_mm.SapiensSimplePyramid', in_channels=32)
    assert type(models.build(neck)) is SapiensSimplePyramid


@pytest.mark.parametrize('host', HOSTS)
def test_hosts_do_not_find_our_types_without_the_prefix(host):
    models = pytest.importorskip(f'{host}.registry').MODELS
    with pytest.raises(KeyError, match='SapiensViT is not in'):
        models.build({**VIT, 'type': 'SapiensViT'})


@pytest.mark.parametrize('name', TYPES)
def test_types_and_their_homes(name):
    package, host = TYPES[name]
    pytest.importorskip(host)
    found = registry.MODELS.get(f'sapiens_mm.{name}')
    assert found.__name__ == name
    assert found.__module__.startswith(f'sapiens_mm.{package}.')
    assert registry.MODELS.get(name) is found
    assert mmengine.registry.MODELS.get(f'sapiens_mm.{name}') is found


def test_our_registry_reaches_the_hosts_types():
    pytest.importorskip('mmseg')
    found = registry.MODELS.get('mmseg.CrossEntropyLoss')
    assert found.__module__.startswith('mmseg.')


def test_registries_are_children_of_the_root_in_our_scope():
    ours = {name: r for name, r in vars(registry).items() if isinstance(r, Registry)}
    for name, child in ours.items():
        assert child.scope == 'sapiens_mm'
        assert child.parent is getattr(mmengine.registry, name)
        assert child.parent.children['sapiens_mm'] is child
    assert {'MODELS', 'DATASETS', 'TRANSFORMS', 'METRICS', 'HOOKS'} <= set(ours)


def test_every_room_is_a_package_whose_host_is_known():
    for room, host in registry.PACKAGES.items():
        assert registry.importlib.util.find_spec(room), room
        assert host in registry.hosts.PIP_LINES


def test_unknown_types_are_refused():
    with pytest.raises(KeyError, match='sapiens_mm.SapiensNothing is not in'):
        mmengine.registry.MODELS.build(dict(type='sapiens_mm.SapiensNothing'))


def test_unknown_arguments_name_the_class_and_the_argument():
    with pytest.raises(TypeError, match='SapiensViT.*drop_rate'):
        mmengine.registry.MODELS.build({**VIT, 'drop_rate': 0.1})


def test_a_backbone_imports_no_other_host():
    code = """
        import sys
        import sapiens_mm
        from mmengine.registry import MODELS
        MODELS.build(dict(type='sapiens_mm.SapiensViT', arch='sapiens_tiny'))
        hosts = ('mmpose', 'mmseg', 'mmdet', 'mmpretrain')
        print('imported', *(host for host in hosts if host in sys.modules))
    """
    assert run(code)[-1] == 'imported'


def test_a_segmentation_head_does_not_import_mmpose():
    pytest.importorskip('mmseg')
    code = """
        import sys
        import sapiens_mm
        from mmseg.registry import MODELS
        MODELS.get('sapiens_mm.SapiensSegHead')
        MODELS.get('sapiens_mm.SapiensDepthHead')
        hosts = ('mmpose', 'mmseg')
        print('imported', *(host for host in hosts if host in sys.modules))
    """
    assert run(code)[-1] == 'imported mmseg'


def test_a_missing_host_is_named_with_its_pip_line():
    names = [name for name, (_, host) in TYPES.items() if host != 'mmengine']
    code = f"""
        import sapiens_mm
        from sapiens_mm import hosts
        hosts.is_installed = lambda name: name == 'mmengine'
        from mmengine.registry import MODELS
        assert MODELS.get('sapiens_mm.SapiensViT')
        assert MODELS.get('sapiens_mm.SapiensNothing') is None
        for name in {names}:
            try:
                MODELS.get('sapiens_mm.' + name)
            except ModuleNotFoundError as error:
                print(name, error.name, hosts.PIP_LINES[error.name] in str(error))
        print(len({names}), 'names')
    """
    *lines, last = run(code)
    assert last == f'{len(names)} names'
    assert lines[-len(names) :] == [f'{name} {TYPES[name][1]} True' for name in names]


def test_all_our_classes_have_our_prefix():
    for room, host in registry.PACKAGES.items():
        if registry.hosts.is_installed(host):
            registry.importlib.import_module(room)
    ours = [
        (name, found)
        for each in vars(registry).values()
        if isinstance(each, Registry) and each.scope == 'sapiens_mm'
        for name, found in each.module_dict.items()
        if found.__module__.startswith('sapiens_mm.')
    ]
    assert len(ours) >= 50
    assert [name for name, _ in ours if not name.startswith('Sapiens')] == []
    assert all(found.__name__ == name for name, found in ours)


@pytest.mark.parametrize('old', registry.RENAMED)
def test_an_earlier_name_is_answered_with_the_new_one(old):
    new = registry.RENAMED[old]
    host = {'Pose': 'mmpose'}.get(old.removeprefix('SyntheticHumans'), 'mmseg')
    datasets = pytest.importorskip(f'{host}.registry').DATASETS
    assert datasets.get(f'sapiens_mm.{new}').__name__ == new
    with pytest.raises(ValueError, match=f"{old} has another name .*sapiens_mm.{new}'"):
        datasets.build(dict(type=f'sapiens_mm.{old}', length=3))
