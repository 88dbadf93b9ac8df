"""Runs that are killed, interrupted or meet a full disk; all of it: run.py."""

import subprocess
import sys
from pathlib import Path

import pytest

for package in ('mmpose', 'mmseg', 'av', 'numba'):
    pytest.importorskip(package)

SCRIPT = Path(__file__).with_name('run.py')


@pytest.mark.slow
@pytest.mark.parametrize(
    'name', ['image_demo', 'video_demo', 'synthesize_humans', 'train']
)
def test_killed_runs_end_as_others(name):
    command = [sys.executable, str(SCRIPT), '--kills', '3', '--only', name]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
