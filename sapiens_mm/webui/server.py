"""The processes and the server of the web page.

The models run in a process of their own, which is ended when a request takes too long.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sapiens_mm.runs.requests import WebRequest

if TYPE_CHECKING:
    from sapiens_mm.webui.folder import Folder
    from sapiens_mm.webui.page import Run

SWEEP_S = 30  # between two looks for files that are too old
STOPS = [
    getattr(signal, name)
    for name in ('SIGINT', 'SIGTERM', 'SIGHUP')
    if hasattr(signal, name)
]


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


def go_offline(folder: Folder) -> None:
    """Tell gradio, before it is imported, to keep to itself and to ``folder``."""
    os.environ['GRADIO_TEMP_DIR'] = str(folder.served)
    for name in ('TMPDIR', 'TEMP', 'TMP'):  # of processes
        os.environ[name] = str(folder.temporary)
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['GRADIO_RUN_HISTORY'] = 'False'  # images in the browser's storage
    # it asks its own server whether it is there, and a proxy would not know
    known = os.environ.get('NO_PROXY') or os.environ.get('no_proxy') or ''
    names = [name for name in known.split(',') if name]
    os.environ['NO_PROXY'] = os.environ['no_proxy'] = ','.join(
        [*names, '127.0.0.1', 'localhost']
    )


def start(request: WebRequest, folder: Folder, stack: ExitStack) -> str:
    """Start the processes and serve the page in the background.

    Args:
        request: What the page is asked to offer.
        folder: For uploads and results.
        stack: What stops everything is put onto it, as soon as there is something.

    Returns:
        Its address.

    Raises:
        ValueError: If the command line asks for what cannot be.
        ModuleNotFoundError: If a package is missing; names the line that brings it.
    """
    from sapiens_mm import hosts

    hosts.require('gradio')
    go_offline(folder)
    port = free_port(request.host, request.port)
    from sapiens_mm.webui.remote import RemoteRun, build_models, build_reader
    from sapiens_mm.webui.worker import Worker, WorkerError

    # the models are being loaded while gradio is
    models = Worker(build_models, (request, folder.results))
    stack.callback(models.close)
    reader = Worker(build_reader, (), leave=folder.path)
    stack.callback(reader.close)
    run = RemoteRun(models, reader, request.time_limit)
    from sapiens_mm.webui import page as webui_page  # noqa: F401  takes long

    try:
        models.metadata()
    except WorkerError as error:
        raise ValueError(f'The process of the models {error}') from None
    page, url = serve(run, request, folder, port)
    stack.callback(page.close, verbose=False)
    stack.callback(run.close)  # first: then no request holds up the page
    return url


def serve(run: Run, request: WebRequest, folder: Folder, port: int) -> tuple[Any, str]:
    """Build the page and serve it in the background.

    Args:
        run: Does what visitors ask for.
        request: What the page is asked to offer.
        folder: For uploads and results.
        port: A free one.

    Returns:
        The gradio page, whose ``close()`` stops it, and its address.
    """
    from starlette.middleware import Middleware

    from sapiens_mm.webui.guard import ANY, MAX_UPLOAD_MB, Guard, own_names, plain_names
    from sapiens_mm.webui.page import LOOK, build_page

    guard = Middleware(
        Guard,
        names=own_names(request.host),
        proxies=plain_names(request.allowed_host),
        everywhere=request.host in ANY,
        has_room=lambda: folder.has_room(request.keep_minutes * 60),
    )
    page = build_page(run)
    _, url, _ = page.launch(
        server_name=f'[{request.host}]' if ':' in request.host else request.host,
        server_port=port,
        app_kwargs=dict(middleware=[guard]),
        max_file_size=f'{MAX_UPLOAD_MB}mb',
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        pwa=False,
        enable_monitoring=False,
        footer_links=[],
        **LOOK,
    )
    return page, url


def run(request: WebRequest) -> int:
    """Serve until interrupted; return 0, or 2 on a wrong call."""
    warnings.simplefilter('ignore')
    with ExitStack() as stack:
        for number in STOPS:
            stack.callback(signal.signal, number, signal.getsignal(number))
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup does
                signal.signal(number, signal.default_int_handler)
        place = Path(tempfile.mkdtemp(prefix='sapiens_mm_webui_'))
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        try:
            return _serve_until_interrupted(request, place, stack)
        except (ValueError, ModuleNotFoundError) as error:
            print(f'error: {error}', file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print('\nStopped.')
            return 0
        finally:  # once more would leave something behind
            for number in STOPS:
                signal.signal(number, signal.SIG_IGN)


def _serve_until_interrupted(request: WebRequest, place: Path, stack: ExitStack) -> int:
    from sapiens_mm.webui.folder import Folder
    from sapiens_mm.webui.guard import LOOPBACK

    folder = Folder(place, request.max_gigabytes * 1e9)
    stack.callback(setattr, tempfile, 'tempdir', tempfile.tempdir)
    tempfile.tempdir = str(folder.temporary)
    url = start(request, folder, stack)
    print(f'Open {url} in a browser; Ctrl+C stops.', flush=True)
    if request.host not in LOOPBACK:
        print('There is no password: whoever reaches this machine can use it.')
    folder.keep_these()
    while True:
        time.sleep(SWEEP_S)
        folder.sweep(request.keep_minutes * 60)
