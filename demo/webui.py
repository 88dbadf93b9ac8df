"""A web page for pose, body parts, depth and surface normals.

    python demo/webui.py
    python demo/webui.py --checkpoint pose.pth seg.pth --device cuda --port 0

Takes a photo from a file, a webcam or the clipboard, shows the pictures and offers
the data files. Nothing is loaded from elsewhere: it works without a network.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SWEEP_S = 30  # between two looks for files that are too old
LOOPBACK = ('127.0.0.1', 'localhost', '::1')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    host_help = 'address to listen on; 0.0.0.0 lets others on the network in'
    add('--host', default='127.0.0.1', help=host_help)
    add('--port', type=int, default=7860, help='0 takes a free one')
    weights_help = 'weights to offer: files, hf://…, https://… or names of the zoo'
    add('--checkpoint', nargs='+', default=[], metavar='FILE', help=weights_help)
    add('--config', help='a config by name or path, for one checkpoint of your own')
    add('--device', help='default: the GPU if there is one')
    add('--dtype', choices=('float32', 'bfloat16', 'float16'))
    detector_help = (
        "finds the persons for pose: 'rtmdet', the path of its checkpoint, 'tiny' or "
        "'none'; default: 'tiny' with the small models of the package"
    )
    add('--detector', metavar='FILE', help=detector_help)
    add('--threads', type=int, help='of the CPU, for the models')
    pixels_help = 'larger photos are reduced to this (default: %(default)s)'
    add('--max-megapixels', type=float, default=16.0, help=pixels_help)
    keep_help = 'photos and results are deleted after this (default: %(default)s)'
    add('--keep-minutes', type=float, default=60.0, help=keep_help)
    args = parser.parse_args(argv)
    for name, least in (('threads', 1), ('max_megapixels', 0.1), ('keep_minutes', 1)):
        value = getattr(args, name)
        if value is not None and not value >= least:
            option = f'--{name.replace("_", "-")}'
            parser.error(f'{option} must be at least {least}, got {value}')
    if not 0 <= args.port <= 65535:
        parser.error(f'--port must be between 0 and 65535, got {args.port}')
    return args


def free_port(host: str, port: int) -> int:
    """Return ``port``, or a free one for 0.

    Raises:
        ValueError: If it is taken, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name != 'nt':  # as the server will: a port left a minute ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ValueError(
                f'--host {host} --port {port} cannot be used ({error.strerror}); '
                '--port 0 takes a free port'
            ) from None
        return probe.getsockname()[1]


def go_offline(folder: Path) -> None:
    """Tell gradio, before it is imported, to keep to itself and to ``folder``."""
    os.environ['GRADIO_TEMP_DIR'] = str(folder)
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['GRADIO_RUN_HISTORY'] = 'False'  # photos in the browser's storage
    # it asks its own server whether it is there, and a proxy would not know
    known = os.environ.get('NO_PROXY') or os.environ.get('no_proxy') or ''
    names = [name for name in known.split(',') if name]
    os.environ['NO_PROXY'] = os.environ['no_proxy'] = ','.join([*names, *LOOPBACK[:2]])


def start(args: argparse.Namespace, folder: Path) -> tuple[Any, str]:
    """Build the page, load the small models, and serve in the background.

    Args:
        args: The command line.
        folder: For uploads and results.

    Returns:
        The gradio page, whose ``close()`` stops it, and its address.

    Raises:
        ValueError: If the command line asks for what cannot be.
        ModuleNotFoundError: If a package is missing; names the line that brings it.
    """
    from sapiens_mm import hosts

    hosts.require('gradio')
    go_offline(folder)
    port = free_port(args.host, args.port)
    import torch
    from demo_jobs import show_notes
    from webui_models import ModelShelf
    from webui_page import LOOK, build_page
    from webui_run import PageRun

    if args.threads:
        torch.set_num_threads(args.threads)
    show_notes()
    shelf = ModelShelf(args)
    run = PageRun(shelf, folder, args.max_megapixels)
    page = build_page(run)
    run.preload()
    _, url, _ = page.launch(
        server_name=args.host,
        server_port=port,
        allowed_paths=[str(folder)],
        max_file_size='100mb',
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        pwa=False,
        footer_links=[],
        **LOOK,
    )
    return page, url


def sweep(folder: Path, older_than_s: float, keep: frozenset[Path]) -> int:
    """Delete old files and then empty folders; return how many files went.

    Args:
        folder: Of uploads and results.
        older_than_s: Age of a file that goes, in seconds since it was written.
        keep: Files that stay.
    """
    gone, latest = 0, time.time() - older_than_s
    for path in sorted(folder.rglob('*'), reverse=True):  # contents before folders
        try:
            if path in keep or path.lstat().st_mtime > latest:
                continue
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
                gone += 1
        except OSError:  # in use, not empty, or gone already
            continue
    return gone


def files_in(folder: Path) -> frozenset[Path]:
    """Return the files of a folder, at any depth."""
    return frozenset(path for path in folder.rglob('*') if path.is_file())


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return 0, or 2 on a wrong call."""
    args = parse_args(argv)
    warnings.simplefilter('ignore')
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up, as Ctrl+C
    folder = Path(tempfile.mkdtemp(prefix='sapiens_mm_webui_')).resolve()
    page = None
    try:
        page, url = start(args, folder)
        print(f'Open {url} in a browser; Ctrl+C stops.', flush=True)
        if args.host not in LOOPBACK:
            print('There is no password: whoever reaches this machine can use it.')
        keep = files_in(folder)  # the page's own
        while True:
            time.sleep(SWEEP_S)
            sweep(folder, args.keep_minutes * 60, keep)
    except (ValueError, ModuleNotFoundError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('\nStopped.')
        return 0
    finally:
        if page is not None:
            page.close(verbose=False)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
