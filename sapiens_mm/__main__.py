"""``python -m sapiens_mm``: a verb of ours, or somebody's own script, patched."""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from types import ModuleType

from sapiens_mm import compat
from sapiens_mm.cli.main import VERBS
from sapiens_mm.cli.main import main as run_verb

USAGE = """\
usage: python -m sapiens_mm VERB [ARGUMENT ...]
       python -m sapiens_mm SCRIPT [ARGUMENT ...]
       python -m sapiens_mm -m MODULE [ARGUMENT ...]
       python -m sapiens_mm --status

Run a verb, as the command sapiens does; sapiens --help lists them. Or run a script
or module, such as tools/train.py of mmpose or mmseg, as python itself would,
after the patches of sapiens_mm.compat have been installed: last releases of the
OpenMMLab packages then run on current PyTorch, without compiled mmcv.

  --status   tell which patches are active here and why
  -h, --help
"""


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for.

    Args:
        arguments: The command line, without the program.

    Returns:
        Exit code: 0, or 2 for a command line that cannot be followed. What the script
        raises, SystemExit included, passes through.
    """
    if not arguments or arguments[0] in ('-h', '--help'):
        print(USAGE, end='')
        return 0
    first, *rest = arguments
    if first == '--status':
        for name, line in compat.status().items():
            print(f'{name:14} {line}')
        return 0
    if first == '-m':
        if not rest:
            return _refuse('-m wants the name of a module')
        return _run_module(*rest)
    if first in VERBS and not os.path.isfile(first):
        return run_verb(arguments)
    if first.startswith('-'):
        return _refuse(f'there is no option {first}; --help lists them')
    return _run_script(first, *rest)


def _run_script(script: str, *arguments: str) -> int:
    if not os.path.isfile(script):
        return _refuse(f"there is no script '{script}' in {os.getcwd()}")
    sys.argv = [script, *arguments]
    if not getattr(sys.flags, 'safe_path', False):
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    _execute(os.path.abspath(script))
    return 0


def _execute(path: str) -> None:
    """Execute a file as ``__main__``.

    runpy would make ``__file__`` and ``sys.argv[0]`` the same; python makes the first
    absolute and leaves the second as it was typed.
    """
    with io.open_code(path) as file:
        code = compile(file.read(), path, 'exec', dont_inherit=True)
    module = ModuleType('__main__')
    module.__dict__.update(
        __file__=path,
        __builtins__=builtins,
        __cached__=None,
        __loader__=SourceFileLoader('__main__', path),
    )
    sys.modules['__main__'] = module
    compat.prepare_script(code)
    exec(code, module.__dict__)


def _run_module(module: str, *arguments: str) -> int:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        return _refuse(f"there is no module '{module}'")
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name='__main__', alter_sys=True)
    return 0


def _refuse(reason: str) -> int:
    print(f'python -m sapiens_mm: {reason}', file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
