"""Child registries of mmengine's, and the packages that fill them.

mmengine imports this module by itself when it meets ``type='sapiens_mm.X'``, so
a user changes one line of a host's config. Rooms are imported one at a time
until the name is found, those whose host is loaded already first: a
segmentation config never pays for (or fails on) mmpose.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from mmengine import registry as _root
from mmengine.registry import Registry

from sapiens_mm import hosts

# package -> the host it needs
PACKAGES = {
    'sapiens_mm.backbones': 'mmengine',
    'sapiens_mm.engine': 'mmengine',
    'sapiens_mm.data': 'mmcv',
    'sapiens_mm.pose': 'mmpose',
    'sapiens_mm.seg': 'mmseg',
    'sapiens_mm.geometry': 'mmseg',
    'sapiens_mm.pretrain': 'mmpretrain',
    'sapiens_mm.multitask': 'mmpose',
}
# what users' configs may still say -> the name since then
RENAMED = {
    f'SyntheticHumans{kind}': f'SapiensSyntheticHumans{kind}'
    for kind in ('Pose', 'Seg', 'Maps')
}


class LazyRegistry(Registry):
    """A child registry that imports our packages lazily, one by one.

    The host's ``locations`` are imported all together on the first look-up; here
    that would import every installed host to build one backbone.
    """

    def get(self, key: str) -> type | None:
        """Return the class registered as ``key``, importing packages as needed.

        Args:
            key: ``'SapiensViT'``, ``'sapiens_mm.SapiensViT'`` or a host's name.

        Raises:
            ValueError: If it is a name that a class had in an earlier version.
        """
        scope, name = self.split_scope_key(key)
        if scope in (None, self.scope) and name not in self._module_dict:
            if name in RENAMED:
                raise ValueError(
                    f'{name} has another name now: write '
                    f"type='{self.scope}.{RENAMED[name]}'"
                )
            self.import_packages_until(name)
        return super().get(key)

    def import_packages_until(self, name: str) -> None:
        """Import package by package until one registers ``name``."""
        loaded_first = sorted(
            PACKAGES, key=lambda each: PACKAGES[each] not in sys.modules
        )
        for package in loaded_first:
            if hosts.is_installed(PACKAGES[package]):
                importlib.import_module(package)
                if name in self._module_dict:
                    return
        # of no package that could be imported: name the host that is missing
        for package, host in PACKAGES.items():
            if not hosts.is_installed(host) and name in _public_text(package):
                hosts.require(host)


def _public_text(package: str) -> str:
    """Return the text of a package's ``__init__``, which names what is public."""
    folder = Path(__file__).parent / package.removeprefix('sapiens_mm.')
    return (folder / '__init__.py').read_text(encoding='utf-8')


def _child(name: str, parent: Registry) -> LazyRegistry:
    return LazyRegistry(name, parent=parent, scope='sapiens_mm')


MODELS = _child('model', _root.MODELS)
DATASETS = _child('dataset', _root.DATASETS)
TRANSFORMS = _child('transform', _root.TRANSFORMS)
METRICS = _child('metric', _root.METRICS)
HOOKS = _child('hook', _root.HOOKS)
OPTIMIZERS = _child('optimizer', _root.OPTIMIZERS)
OPTIM_WRAPPERS = _child('optim_wrapper', _root.OPTIM_WRAPPERS)
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optimizer wrapper constructor', _root.OPTIM_WRAPPER_CONSTRUCTORS
)
STRATEGIES = _child('strategy', _root.STRATEGIES)
