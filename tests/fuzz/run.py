"""Damage files and read them: images, labels, checkpoints, annotations.

    python tests/fuzz/run.py              # as many as in CI
    python tests/fuzz/run.py --all        # 10,000 images and so on, half an hour
    python tests/fuzz/run.py --kind checkpoints --count 500

Every case must be read, or told in one sentence, within 5 seconds and 1.2 GB, and run
no code. Prints counts; exit status 1 if there was a fault, with its seed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from watch import run_cases, seeds_of  # noqa: E402

IN_CI = dict(pictures=220, inferencers=40, labels=60, checkpoints=120, annotations=60)
ALL = dict(
    pictures=10_000,
    inferencers=3_000,
    labels=1_000,
    checkpoints=2_000,
    annotations=1_000,
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--kind', choices=list(IN_CI), help='default: every one')
    parser.add_argument('--count', type=int, help='of cases of a kind')
    parser.add_argument('--first', type=int, default=0, help='seed to begin with')
    parser.add_argument('--all', action='store_true', help='many more')
    args = parser.parse_args()
    counts = ALL if args.all else IN_CI
    failed = False
    for kind in [args.kind] if args.kind else counts:
        outcome = run_cases(kind, seeds_of(args.count or counts[kind], args.first))
        print(f'{kind}: {outcome}', flush=True)
        for seed, text in outcome.faults[:20]:
            print(f'  seed {seed}: {text}', flush=True)
        failed |= bool(outcome.faults)
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
