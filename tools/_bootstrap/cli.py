"""The command line of tools/bootstrap.py, and its three jobs."""

from __future__ import annotations

import argparse
import glob
import os
import shlex
import subprocess
import sys
from pathlib import Path

from _bootstrap.install import Installer, Options
from _bootstrap.lint import lint
from _bootstrap.machine import (
    Progress,
    SetupError,
    has_fast_bfloat16,
    platform_problem,
)
from _bootstrap.pip_runner import clean_environ
from _bootstrap.virtual_env import VirtualEnv

ROOT = Path(__file__).resolve().parents[2]
SUPPORTED = ((3, 10), (3, 13))

DESCRIPTION = """\
Set up sapiens_mm from nothing but Python 3.10 to 3.13 and a package index:
no compiler, no make, no conda. What is there already is reused."""
EPILOG = """\
environment variables, for the options of the same name:
  SAPIENS_MM_VENV, SAPIENS_MM_TORCH, SAPIENS_MM_TORCH_INDEX, SAPIENS_MM_NO_PROBE=1
pip's own variables and configuration files are followed."""


def main(argv: list[str]) -> int:
    """Run one command and return its exit code."""
    sys.stdout.reconfigure(errors='replace')  # type: ignore[union-attr]
    options, rest = parse(argv)
    progress = Progress()
    try:
        if problem := platform_problem():
            raise SetupError(problem)
        image = resolve_image(options.image) if options.command == 'demo' else None
        venv = VirtualEnv(Path(options.venv).expanduser().absolute())
        wishes = Options(
            torch=options.torch,
            index=options.torch_index,
            probe=not options.no_probe,
            disk_check=not options.no_disk_check,
        )
        installer = Installer(ROOT, venv, wishes, progress)
        installer.prepare(SUPPORTED, dev=options.command == 'test')
        if options.command == 'demo':
            return demo(venv, image, rest, progress)
        if options.command == 'test':
            return test(venv, rest, options.all, progress)
        return 0
    except SetupError as error:
        progress.step('stopped')
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\ninterrupted; the same command goes on from here', file=sys.stderr)
        return 130


def parse(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Split the command line into our options and what is passed on."""
    cut = argv.index('--') if '--' in argv else len(argv)
    environ = os.environ.get
    shared = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    shared.add_argument(
        '--venv',
        metavar='PATH',
        default=environ('SAPIENS_MM_VENV') or str(ROOT / '.venv'),
        help='place of the environment (default: .venv in the checkout)',
    )
    shared.add_argument(
        '--torch',
        choices=('auto', 'cpu', 'default'),
        default=environ('SAPIENS_MM_TORCH') or 'auto',
        help='build of torch; auto takes the CPU build where there is no NVIDIA GPU '
        'and an index offers it',
    )
    shared.add_argument(
        '--torch-index',
        metavar='URL',
        default=environ('SAPIENS_MM_TORCH_INDEX') or '',
        help="look for torch here, too, in place of PyTorch's own CPU index",
    )
    shared.add_argument(
        '--no-probe',
        action='store_true',
        default=environ('SAPIENS_MM_NO_PROBE', '') not in ('', '0'),
        help="do not try PyTorch's own CPU index (the attempt takes 3 s at most)",
    )
    shared.add_argument(
        '--no-disk-check', action='store_true', help='install on a nearly full disk'
    )
    parser = argparse.ArgumentParser(
        prog='bootstrap.py',
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')

    def add(name: str, text: str, **more: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=text,
            description=text,
            parents=[shared],
            allow_abbrev=False,
            **more,
        )

    demo_parser = add(
        'demo',
        'set up, then run all four tasks on an image',
        usage='bootstrap.py demo [options] [IMAGE] [-- image_demo.py arguments]',
    )
    demo_parser.add_argument(
        'image',
        metavar='IMAGE',
        nargs='?',
        help='image, folder or pattern (default: an image of an astronaut)',
    )
    test_parser = add(
        'test',
        'set up, then lint and run the tests',
        usage='bootstrap.py test [options] [--all] [pytest arguments]',
    )
    test_parser.add_argument(
        '--all', action='store_true', help='run the tests marked slow, too'
    )
    add('install', 'set up only')
    options, unknown = parser.parse_known_args(argv[:cut])
    if unknown and options.command != 'test':
        parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    return options, [*unknown, *argv[cut + 1 :]]


def resolve_image(image: str | None) -> str | None:
    """Make the image's path absolute, and miss it before the long installation.

    Raises:
        SetupError: If there is no such file, folder or match.
    """
    if image is None:
        return None
    path = os.path.abspath(os.path.expanduser(image))
    if not os.path.exists(path) and not glob.glob(path, recursive=True):
        raise SetupError(f'There is no image, folder or match for {image!r}.')
    return path


def demo(
    venv: VirtualEnv, image: str | None, rest: list[str], progress: Progress
) -> int:
    """Run demo/image_demo.py on all four tasks."""
    script = ROOT / 'demo' / 'image_demo.py'
    out_dir = ROOT / 'outputs' / 'demo'
    command = [str(venv.python), str(script), *([image] if image else [])]
    command += ['--task', 'all', '--out-dir', str(out_dir)]
    given = {word.partition('=')[0] for word in rest}
    if not given & {'--dtype', '--device', '--checkpoint'} and has_fast_bfloat16():
        command += ['--dtype', 'bfloat16']
    command += rest
    progress.step(f'running {shlex.join(command[1:])}')
    code = _run(command)
    if code == 0 and not any(word.startswith('--out-dir') for word in rest):
        progress.step(f'the images lie in {out_dir}')
    return code


def test(venv: VirtualEnv, rest: list[str], everything: bool, progress: Progress):
    """Lint, then run pytest, whose last line stays the last if all is well."""
    progress.step('lint')
    failed = lint(ROOT, venv.python, clean_environ())
    command = [str(venv.python), '-m', 'pytest', *(['-m', ''] if everything else [])]
    command += side_by_side(rest)
    progress.step(f'running pytest {shlex.join([*command[3:], *rest])}'.rstrip())
    code = _run([*command, *rest], cwd=ROOT)
    if failed:
        print(f'lint failed, see above: {", ".join(failed)}', file=sys.stderr)
    return code or int(bool(failed))


def side_by_side(rest: list[str]) -> list[str]:
    """Return pytest's arguments for a process a core; none if the user has a say."""
    mine = ('-n', '--numprocesses', '--dist', '--pdb', '-s', '--capture')
    if any(word.startswith(mine) for word in rest):
        return []
    # files stay together: their fixtures are made once
    return ['-n', str(min(os.cpu_count() or 1, 8)), '--dist', 'loadfile']


def _run(command: list[str], cwd: Path | None = None) -> int:
    """Run a job with our own output; return its exit code as a shell would."""
    sys.stdout.flush()
    code = subprocess.run(command, cwd=cwd, env=clean_environ()).returncode
    return code if code >= 0 else 128 - code
