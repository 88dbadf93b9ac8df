"""Loading keeps one copy of the weights in memory, not two."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peak_memory import MODELS

from sapiens_mm.checkpoints import read_checkpoint, write_checkpoint

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    sys.platform != 'linux', reason='reads /proc/self/status'
)


def write_large(folder: Path, model: str) -> Path:
    """Write real, non-sparse data without holding it: every tensor is a view."""
    shapes = MODELS[model]
    sizes = {name: torch.Size(shape).numel() for name, shape in shapes.items()}
    noise = torch.randn(max(sizes.values()))
    tensors = {name: noise[: sizes[name]].view(shape) for name, shape in shapes.items()}
    path = folder / 'large.safetensors'
    write_checkpoint(path, tensors, {})
    return path


def measure(path: Path, model: str) -> tuple[int, int, int]:
    script = str(Path(__file__).with_name('peak_memory.py'))
    result = subprocess.run(
        [sys.executable, script, str(path), model],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {'PYTHONPATH': str(ROOT)},
    )
    before, peak, size = map(int, result.stdout.split())
    return before, peak, size


@pytest.fixture
def folder(tmp_path):
    yield tmp_path
    for path in tmp_path.iterdir():  # pytest would keep gigabytes for three runs
        path.unlink()


@pytest.mark.parametrize('suffix', ['.safetensors', '.pth'])
def test_peak_is_one_copy(folder, suffix):
    path = write_large(folder, 'small')
    if suffix == '.pth':
        write_checkpoint(path.with_suffix('.pth'), read_checkpoint(path).state_dict, {})
    before, peak, size = measure(path.with_suffix(suffix), 'small')
    assert size > 200e6
    assert (peak - before) / size <= 1.15


@pytest.mark.slow
def test_peak_of_2b(folder):
    """Takes 18 GB of disk for a minute or two."""
    path = write_large(folder, '2b')
    ratios = {}
    for suffix in ('.safetensors', '.pth'):
        if suffix == '.pth':
            state_dict = read_checkpoint(path).state_dict
            write_checkpoint(path.with_suffix('.pth'), state_dict, {})
            path.unlink()
        before, peak, size = measure(path.with_suffix(suffix), '2b')
        ratios[suffix] = peak / size
        print(f'{suffix}: {before / 1e9:.3f} GB, then {peak / 1e9:.3f} GB at most')
        print(f'{suffix}: the file has {size / 1e9:.3f} GB')
    assert max(ratios.values()) <= 1.15  # all of the process, not just the weights
