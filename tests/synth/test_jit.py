"""Kernels on disk: kept while no source changes, dropped when any does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sapiens_mm.synth.core import jit

INNER = 'from {room}.jit import kernel\n@kernel\ndef inner(x):\n    return x + {add}\n'
OUTER = (
    'from {room}.inner import inner\nfrom {room}.jit import kernel\n'
    '@kernel\ndef outer(x):\n    return 10 * inner(x)\n'
)
RUN = (
    'from {room}.outer import outer\nfrom {room}.jit import share_compiled\n'
    'share = share_compiled()\nprint(outer(1.0), '
    'sum(outer.stats.cache_hits.values()), share)'
)


def run(folder, room):
    done = subprocess.run(
        [sys.executable, '-c', RUN.format(room=room)],
        cwd=folder,
        env={**os.environ, 'NUMBA_CACHE_DIR': str(folder / 'cache')},
        capture_output=True,
        text=True,
        check=True,
    )
    value, hits, share = done.stdout.split()
    return float(value), int(hits), float(share)


def test_a_change_of_another_file_is_seen(tmp_path):
    room = tmp_path / 'small_room'
    room.mkdir()
    (room / '__init__.py').write_text('', encoding='utf-8')
    shutil.copy(Path(jit.__file__), room / 'jit.py')
    (room / 'inner.py').write_text(INNER.format(room=room.name, add=1), 'utf-8')
    (room / 'outer.py').write_text(OUTER.format(room=room.name), 'utf-8')
    assert run(tmp_path, room.name) == (20.0, 0, 0.0)
    assert run(tmp_path, room.name) == (20.0, 1, 1.0)
    (room / 'inner.py').write_text(INNER.format(room=room.name, add=25), 'utf-8')
    assert run(tmp_path, room.name) == (260.0, 0, 0.0)
