"""What every test gets: few threads, fixed seeds, no host scope left behind."""

import logging
import os
import random
import socket
import sys

import numpy as np
import pytest
import torch

import sapiens_mm  # noqa: F401  before any host: it patches them

# beside other test processes, one thread each
torch.set_num_threads(1 if 'PYTEST_XDIST_WORKER' in os.environ else 2)


def _seed():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)  # of every device
    # kernels of numba have numbers of their own, but ours draw from a Generator


def pytest_collectstart(collector):
    """Seed what a module of tests draws while it is imported."""
    if isinstance(collector, pytest.Module):
        _seed()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef):
    """Seed what a fixture of several tests draws, whichever test asks for it first.

    The numbers of that test go on as if the fixture had been there.
    """
    if fixturedef.scope == 'function':
        return (yield)
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    _seed()
    try:
        return (yield)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


@pytest.fixture(autouse=True)
def _fixed_seeds():
    _seed()


@pytest.fixture(autouse=True)
def _no_scope_left_behind():
    yield
    if 'mmengine.registry' in sys.modules:  # a runner sets one and leaves it
        sys.modules['mmengine.registry'].DefaultScope._instance_dict.clear()


@pytest.fixture(autouse=True)
def _no_closed_log_left_behind():
    """A web server closes all handlers of the process; mmengine would write to them."""
    yield
    if 'mmengine.logging' in sys.modules:
        for logger in sys.modules['mmengine.logging'].MMLogger._instance_dict.values():
            for handler in list(logger.handlers):
                if isinstance(handler, logging.FileHandler):
                    logger.removeHandler(handler)
                    handler.close()


@pytest.fixture
def sapiens(monkeypatch, tmp_path, capsys):
    """Run ``sapiens VERB …`` in ``tmp_path`` and this process; see in_process.py."""
    from in_process import Verbs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')  # the verbs set it
    return Verbs(capsys)


@pytest.fixture
def free_port():
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.fixture(scope='session')
def video_files():
    """The functions of tests/video_files.py, which make small videos."""
    pytest.importorskip('av')
    import video_files

    return video_files


@pytest.fixture(scope='session')
def synth_settings():
    """Settings of the data set in ``synth_folder``."""
    pytest.importorskip('numba')
    from sapiens_mm.synth.dataset.settings import DatasetSettings

    return DatasetSettings(
        seed=3, size_hw=(128, 96), shares=(0.5, 0.25, 0.25), bump=True, shard_size=3
    )


@pytest.fixture(scope='session')
def synth_folder(synth_settings, tmp_path_factory):
    """Eight rendered samples as tools/synthesize_humans.py writes them; read only."""
    from sapiens_mm.synth.dataset.writer import DatasetWriter

    root = tmp_path_factory.mktemp('synth_humans')
    writer = DatasetWriter(root, synth_settings, 8, 'both')
    assert [problem for _, problem in writer.run(1) if problem] == []
    writer.finish()
    return root


@pytest.fixture(scope='session')
def synth_samples(synth_settings):
    """The samples of ``synth_folder`` as the renderer returns them, by index."""
    from sapiens_mm.synth.sample import render

    return {
        index: render(
            synth_settings.seed, index, synth_settings.scene, synth_settings.size_hw
        )
        for index in range(8)
    }
