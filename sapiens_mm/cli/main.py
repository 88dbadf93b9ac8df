"""``sapiens VERB …``: finds the verb and imports what it needs, and nothing else."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence

from sapiens_mm import __version__
from sapiens_mm.commands import WRONG_CALL, quiet_interrupts

# verb -> what it does; its module has the same name, with _ for -
VERBS = {
    'image': 'pose, body parts, depth and normals of images',
    'video': 'the same of videos and cameras, with tracks',
    'web': 'the same on a web page of this machine',
    'train': 'train or fine-tune a model by a config',
    'test': 'evaluate a checkpoint with the metrics of its config',
    'browse': 'draw what a config feeds the model',
    'config': 'print a config whole, or list all',
    'convert': 'checkpoints, keypoint files and part labels into other forms',
    'check': 'say what a file, config or folder is, and what is wrong with it',
    'zoo': 'list models by name, and fetch one',
    'synth': 'make a data set of synthetic people with every label',
    'eval-maps': 'score folders of depth or normal maps',
}


def usage() -> str:
    """Return what ``sapiens`` alone prints."""
    width = max(map(len, VERBS))
    lines = [f'  {verb:{width}}  {what}' for verb, what in VERBS.items()]
    return '\n'.join(
        [
            "usage: sapiens VERB …   (sapiens VERB --help lists a verb's options)",
            '',
            *lines,
            '',
            f'sapiens_mm {__version__}; python -m sapiens_mm does the same',
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb.

    Args:
        argv: The command line without the program; None takes the process's own.

    Returns:
        The exit code of the verb, see :mod:`sapiens_mm.commands`; 2 for one that there
        is not.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ('-h', '--help'):
        print(usage())
        return 0
    verb, *rest = words
    if verb == '--version':
        print(f'sapiens_mm {__version__}')
        return 0
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f', did you mean {near[0]}?' if near else ''
        print(
            f'error: there is no verb {verb!r}{hint}; sapiens alone lists them',
            file=sys.stderr,
        )
        return WRONG_CALL
    quiet_interrupts()
    module = importlib.import_module(f'sapiens_mm.cli.{verb.replace("-", "_")}')
    return module.main(rest)
