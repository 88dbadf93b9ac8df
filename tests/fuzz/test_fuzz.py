"""About 500 damaged files in CI; ``python tests/fuzz/run.py --all`` takes 14,000."""

import sys
from pathlib import Path

import pytest

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

sys.path.insert(0, str(Path(__file__).parent))

from run import IN_CI
from watch import run_cases, seeds_of


@pytest.mark.parametrize('kind', IN_CI)
def test_damaged_files_are_read_or_told(kind, monkeypatch):
    root = str(Path(__file__).resolve().parents[2])
    monkeypatch.setenv('PYTHONPATH', root)  # of the process that reads
    outcome = run_cases(kind, seeds_of(IN_CI[kind]))
    print(kind, outcome)
    assert not outcome.faults, outcome.faults[0]
    assert sum(outcome.words.values()) == IN_CI[kind]
    assert outcome.words['told'] and outcome.words['read']
