"""Draw the loss of trainings over their iterations, a panel a task.

    python tools/dev/plot_losses.py work_dirs/seg work_dirs/pose --out losses.png

A run is a --work-dir of sapiens train; NAME=FOLDER gives it another name, and runs
of one name are lines of one panel. Losses that are not negative are drawn from 0 on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

COLUMNS = 5  # more panels go to the next row


def read_losses(folder: Path) -> tuple[list[int], list[float]]:
    """Read what the last start of a run logged.

    Returns:
        Iterations and losses.

    Raises:
        ValueError: If the folder has no log with losses.
    """
    steps, losses = [], []
    for log in sorted(folder.glob('*/vis_data/scalars.json'))[-1:]:
        for line in log.read_text().splitlines():
            entry = json.loads(line)
            if 'loss' in entry:
                steps.append(entry.get('iter', entry.get('step')))
                losses.append(entry['loss'])
    if not steps:
        raise ValueError(f'{folder} holds no log of a training')
    return steps, losses


def main(argv: Sequence[str] | None = None) -> int:
    """Draw; return 2 on a wrong call."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('runs', nargs='+', metavar='[NAME=]FOLDER')
    parser.add_argument('--out', type=Path, required=True)
    args = parser.parse_args(argv)
    panels: dict[str, list[tuple[str, list[int], list[float]]]] = {}
    try:
        for run in args.runs:
            name, _, folder = run.rpartition('=')
            path = Path(folder)
            line = (path.name, *read_losses(path))
            panels.setdefault(name or path.name, []).append(line)
    except ValueError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    from matplotlib.figure import Figure

    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3 * columns, 2.6 * rows), layout='constrained')
    grid = figure.subplots(rows, columns, squeeze=False)
    for axis in grid.flat[len(panels) :]:
        axis.remove()
    for axis, (name, lines) in zip(grid.flat, panels.items(), strict=False):
        for label, steps, losses in lines:
            axis.plot(steps, losses, label=label)
        axis.set(title=name, xlabel='iteration')
        if min(min(losses) for _, _, losses in lines) >= 0:
            axis.set_ylim(bottom=0)  # from its least value on, any curve falls steeply
        if len(lines) > 1:
            axis.legend()
    for axis in grid[:, 0]:
        axis.set_ylabel('loss')
    figure.savefig(args.out, dpi=100)
    print(f'wrote {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
