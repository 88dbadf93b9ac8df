"""Lint: the same checks as pre-commit, run with the tools in the environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

LARGEST_BYTES = 1000 * 1024  # as in .pre-commit-config.yaml
LARGE_ON_PURPOSE = {
    'sapiens_mm/synth/data/human.npz',  # the generator's only asset
    'sapiens_mm/weights/rtmdet_tiny_synth_person.safetensors',
    'sapiens_mm/weights/sapiens_tiny_synth28.safetensors',
    'sapiens_mm/weights/sapiens_tiny_synth308.safetensors',
    'sapiens_mm/weights/sapiens_tiny_synth_depth.safetensors',
    'sapiens_mm/weights/sapiens_tiny_synth_normal.safetensors',
}
_SKIPPED = ('venv', 'build', 'dist', 'data', 'outputs', 'work_dirs', '__pycache__')


def lint(root: Path, python: Path, environ: dict[str, str]) -> list[str]:
    """Run every check, each to its end.

    Returns:
        Names of the checks that failed.
    """
    checks = {
        'ruff check': ['ruff', 'check', '.'],
        'ruff format': ['ruff', 'format', '--check', '--output-format', 'concise', '.'],
        'codespell': ['codespell_lib'],
    }
    failed = []
    for name, arguments in checks.items():
        command = [str(python), '-m', *arguments]
        if subprocess.run(command, cwd=root, env=environ).returncode:
            failed.append(name)
    for path in (large := large_files(root)):
        size_kib = path.stat().st_size // 1024
        print(f'{path.relative_to(root)} is a large file: {size_kib} KiB')
    return [*failed, 'large files'] if large else failed


def large_files(root: Path) -> list[Path]:
    """Return the files of the checkout that are too large for a repository."""
    names = _file_names(root)
    paths = (root / name for name in names if name not in LARGE_ON_PURPOSE)
    return [p for p in paths if p.is_file() and p.stat().st_size > LARGEST_BYTES]


def _file_names(root: Path) -> list[str]:
    """Return what git knows or would add; without git, what is in no usual skip."""
    command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
    try:
        answer = subprocess.run(command, cwd=root, capture_output=True)
        if answer.returncode == 0:
            return os.fsdecode(answer.stdout).split('\0')[:-1]
    except OSError:
        pass
    names = []
    for parent, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in _SKIPPED and f[0] != '.']
        names += [os.path.join(parent, name) for name in files]
    return names
