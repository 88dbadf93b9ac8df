"""Checkpoint files; the helpers here can be imported (importlib adds no paths)."""

import sys
from pathlib import Path

import pytest

from sapiens_mm.checkpoints import write_checkpoint

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(params=['.pth', '.safetensors'])
def save(request, tmp_path):
    """Write tensors by name to a file of either kind."""

    def save(weights):
        path = tmp_path / f'weights{request.param}'
        write_checkpoint(path, weights, {})
        return path

    return save
