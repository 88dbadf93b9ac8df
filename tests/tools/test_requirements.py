"""The files in requirements/: each line has a reason, and the hosts lack nothing."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).resolve().parents[2] / 'requirements'
HOST_PINS = {
    'mmengine': '0.10.7',
    'mmcv-lite': '2.1.0',
    'mmdet': '3.3.0',
    'mmsegmentation': '1.2.2',
    'mmpretrain': '1.2.0',
    'mmpose': '1.3.2',
}
# asked for by hosts, and kept out on purpose: needs libGL; does not build; numpy 1 only
KEPT_OUT = {'opencv-python', 'chumpy', 'xtcocotools'}


def lines_of(path):
    lines = path.read_text(encoding='utf-8').splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def requirements_in(*names):
    paths = [FOLDER / f'{name}.txt' for name in names] or sorted(FOLDER.glob('*.txt'))
    lines = [line for path in paths for line in lines_of(path)]
    return [Requirement(re.split(r'\s#', line)[0]) for line in lines]


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.txt')), ids=lambda p: p.name)
def test_every_line_has_a_version_and_a_reason(path):
    for line in lines_of(path):
        assert re.search(r'[=<>].*  # \w.{5,}', line), line


def test_hosts_are_pinned_to_their_last_releases():
    pins = {
        canonicalize_name(r.name): str(r.specifier)
        for r in requirements_in()
        if canonicalize_name(r.name) in HOST_PINS
    }
    assert pins == {name: f'=={version}' for name, version in HOST_PINS.items()}


def test_a_package_named_twice_has_the_same_versions():
    seen = {}
    for requirement in requirements_in():
        name = canonicalize_name(requirement.name)
        if name not in ('torch', 'torchvision'):
            seen.setdefault(name, set()).add(str(requirement.specifier))
    assert {name: s for name, s in seen.items() if len(s) > 1} == {}


def test_pinned_torch_is_one_that_pip_users_may_have():
    pinned = {r.name: str(r.specifier).lstrip('=') for r in requirements_in('torch')}
    allowed = {r.name: r.specifier for r in requirements_in('core')}
    assert sorted(pinned) == ['torch', 'torchvision']
    assert all(version in allowed[name] for name, version in pinned.items())


@pytest.mark.parametrize('host', HOST_PINS)
def test_bootstrap_names_all_that_a_host_asks_for(host):
    try:
        asked = metadata.requires(host) or []
    except metadata.PackageNotFoundError:
        pytest.skip(f'{host} is not installed')
    named = {canonicalize_name(r.name) for r in requirements_in()}
    wanted = {
        canonicalize_name(r.name)
        for r in map(Requirement, asked)
        if not r.marker or 'extra' not in str(r.marker)
    }
    assert wanted - named == wanted & KEPT_OUT


def test_no_extra_brings_what_is_kept_out():
    assert not KEPT_OUT & {canonicalize_name(r.name) for r in requirements_in()}
