"""Write docs/model_zoo.md from sapiens_mm/checkpoints/zoo.py.

    python tools/dev/make_model_zoo.py
    python tools/dev/make_model_zoo.py --check

With --check nothing is written, and the exit code is 1 if the page is stale.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sapiens_mm.checkpoints import ReleasedFile, released_files
from sapiens_mm.checkpoints.bundled import BUNDLED
from sapiens_mm.paths import config_names

PAGE = Path(__file__).resolve().parents[2] / 'docs/model_zoo.md'

# (task, data set) -> heading, and what the figure in the file name is
SECTIONS = {
    ('pretrain', 'humans'): ('Pretrained encoders', ''),
    ('pose', 'coco17'): ('Pose, 17 keypoints', 'keypoint AP on COCO val2017'),
    ('pose', 'wholebody133'): (
        'Pose, 133 keypoints',
        'whole-body AP on COCO-WholeBody val',
    ),
    ('pose', 'goliath308'): ('Pose, 308 keypoints', 'keypoint AP on Humans-5K'),
    ('seg', 'goliath28'): ('Body parts, 28 classes', 'mean IoU on Humans-2K'),
    ('depth', 'render_people'): ('Relative depth', ''),
    ('normal', 'render_people'): ('Surface normals', ''),
}
EXPORTS = ('torchscript', 'bfloat16')

INTRO = """\
# Model zoo

<!-- Made by tools/dev/make_model_zoo.py from sapiens_mm/checkpoints/zoo.py and
bundled.py: edit those. -->

Weights that come with the package, and those that others have released and it loads.
Scores of the latter are **as reported by the authors**, in percent, read off their
file names; they are not measured by us. The licence is that of the weights; our code is
Apache-2.0.

The name in the first column works wherever a checkpoint is asked for, for example
`sapiens image --checkpoint NAME`, and is downloaded at the first use; `sapiens zoo`
prints this table;
[checkpoints.md](checkpoints.md) tells how, and what to do without network. Sizes are
approximate: of the `.pth` file, of the TorchScript export (float32) and of the bfloat16
export. For an export, give the name with `_torchscript` or `_bfloat16` behind it, and
without `_clean`. Exports are listed by the pattern of their names; some may be missing
on the hub.
"""


def gigabytes(num_bytes: int) -> str:
    """Return a size for the table: ``'1.3 GB'``."""
    return f'{num_bytes / 1e9:.1f} GB'


def repository(file: ReleasedFile) -> str:
    """Return ``org/name`` of the first source of a file."""
    return '/'.join(file.sources[0].removeprefix('hf://').split('/')[:2])


def export_of(file: ReleasedFile, form: str) -> ReleasedFile | None:
    """Find the export of an original; its name follows from the original's."""
    name = f'{file.name.removesuffix("_clean")}_{form}'
    return next((f for f in released_files() if f.name == name), None)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ['---'] * len(headings), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def section(task: str, dataset: str) -> str:
    """Return the heading and table of the originals of one task."""
    title, metric = SECTIONS[task, dataset]
    rows, short = [], []
    for file in released_files():
        if (file.task, file.dataset, file.format) != (task, dataset, 'pth'):
            continue
        exports = [export_of(file, form) for form in EXPORTS]
        sizes = [gigabytes(file.num_bytes)]
        sizes += [gigabytes(export.num_bytes) if export else '–' for export in exports]
        short += [f'`{file.short_name}`'] if file.short_name else []
        row = [f'`{file.name}`', ' · '.join(sizes), f'`{file.config}`']
        row += [file.metric] if metric else []
        rows.append([*row, file.licence.partition(' (')[0], f'`{repository(file)}`'])
    headings = ['name', 'size', 'config', *(['reported'] if metric else [])]
    lines = [f'## {title}', '']
    lines += [f'Reported by the authors: {metric}.', ''] if metric else []
    lines += [f'By short names: {", ".join(short)}.', ''] if short else []
    return '\n'.join([*lines, table([*headings, 'licence', 'hub repository'], rows)])


def other_files() -> str:
    """Return the table of what is neither an original of ours nor its export."""
    shown = set()
    for file in released_files():
        if file.format == 'pth' and (file.task, file.dataset) in SECTIONS:
            exports = [export_of(file, form) for form in EXPORTS]
            shown |= {f.name for f in (file, *exports) if f}
    rows = [
        [
            f'`{file.name}`',
            gigabytes(file.num_bytes),
            f'`{file.config}`' if file.config else '–',
            file.licence.partition(' (')[0],
            f'`{repository(file)}`',
            file.note,
        ]
        for file in released_files()
        if file.name not in shown
    ]
    headings = ['name', 'size', 'config', 'licence', 'hub repository', 'note']
    return f'## Other files\n\n{table(headings, rows)}'


def bundled() -> str:
    """Return the table of the small models in the package."""
    rows = [
        [
            f'`{model.name}`',
            f'{model.path.stat().st_size / 1e6:.1f} MB',
            f'`{model.config}`',
            'Apache-2.0',
        ]
        for model in BUNDLED.values()
    ]
    return (
        '## Small models of our own\n\n'
        'Trained on synthetic people by this project; what runs when no checkpoint is\n'
        'named. [tiny_models.md](tiny_models.md) has their figures, their limits and\n'
        'every command that made them.\n\n'
        + table(['name', 'size', 'config', 'licence'], rows)
    )


def unreleased() -> str:
    """Return the configs that no file fits, released or bundled."""
    fitting = {file.config for file in released_files()}
    fitting |= {model.config for model in BUNDLED.values()}
    names = [
        name
        for name in config_names()
        if name not in fitting and not name.startswith('examples/')
    ]
    lines = '\n'.join(f'* `{name}`' for name in names)
    return (
        '## Configs without released weights\n\n'
        'These build and train; nobody has published weights for them.\n\n' + lines
    )


def render() -> str:
    """Return the page."""
    parts = [INTRO.rstrip(), bundled(), *(section(*key) for key in SECTIONS)]
    return '\n\n'.join([*parts, other_files(), unreleased()]) + '\n'


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page, or check it; 1 if it is stale."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--check', action='store_true', help='only compare')
    parser.add_argument('--page', type=Path, default=PAGE, help='the file')
    args = parser.parse_args(argv)
    text = render()
    if not args.check:
        args.page.write_text(text, encoding='utf-8')
        print(f'wrote {args.page}')
        return 0
    there = args.page.read_text(encoding='utf-8') if args.page.is_file() else ''
    if there == text:
        return 0
    print(f'{args.page} is stale: run tools/dev/make_model_zoo.py', file=sys.stderr)
    return 1


if __name__ == '__main__':
    raise SystemExit(main())
