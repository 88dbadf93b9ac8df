"""Requests that no visitor of the page sends are refused before gradio sees them.

A page of another site can make a browser send requests here. Where it does so under
its own name, because that name was made to point to this machine (DNS rebinding), the
header Host tells; where it sends them across, the header Origin does.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from anyio import move_on_after
from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

LOOPBACK = ('127.0.0.1', 'localhost', '::1')
ANY = ('0.0.0.0', '::', '')
MAX_UPLOAD_MB = 100
MAX_BODY = 1 << 20  # of any other request: a handful of words
_FORM = 1 << 16  # around a file
_PATIENCE = 4  # times a limit, which is heard out, though not kept
_SILENCE_S = 2  # ends that
_HOST = re.compile(r'(\[[0-9a-f:.%a-z]+\]|[^\s:/@?#\[\]]+?)\.?(:\d{1,5})?', re.I)
# parts of gradio that fetch from elsewhere, or that the page does not have
_NO_PART = re.compile(
    r'/gradio_api/(proxy=|dev/|vibe|stream/|component_server|process_recording'
    r'|deep_link|run-history|mcp)|/monitoring'
)
_ELSEWHERE = re.compile(r'.*/file=/*\s*([a-z][a-z0-9+.-]+:|//|\\)', re.I | re.S)


def own_names(host: str) -> frozenset[str]:
    """Return the names under which a page is asked for that listens on ``host``."""
    names = set(LOOPBACK)
    if host in ANY:
        name = socket.gethostname()
        names |= {name, name.partition('.')[0], f'{name.partition(".")[0]}.local'}
    else:
        names.add(host)
    return plain_names(names)


def plain_names(names: Iterable[str]) -> frozenset[str]:
    """Bring names into the form in which they are compared."""
    return frozenset(name.strip('[]').rstrip('.').lower() for name in names)


def name_in(header: str) -> str:
    """Return the name in a Host header, without port and brackets; '' if it is none."""
    match = _HOST.fullmatch(header.strip())
    return match[1].strip('[]').lower() if match else ''


class Guard:
    """Middleware (ASGI) in front of the page.

    Refused with a sentence: another Host (403), another Origin (403), files from other
    servers (403), bodies that are too large (413), uploads without room (507).

    Args:
        app: What is guarded.
        names: As :func:`own_names` returns them.
        proxies: Names of proxies, which may ask under another one than a visitor did.
        everywhere: Whether it listens on all addresses of this machine; then the one
            that a request came to is a name too.
        has_room: Tells whether another upload fits in.
    """

    def __init__(
        self,
        app: Callable,
        names: frozenset[str],
        proxies: frozenset[str],
        everywhere: bool,
        has_room: Callable[[], bool],
    ) -> None:
        self.app = app
        self.names = names
        self.proxies = proxies
        self.everywhere = everywhere
        self.has_room = has_room

    async def __call__(
        self, scope: dict[str, Any], receive: Callable, send: Callable
    ) -> None:
        """Pass a request on, or answer it."""
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
            return
        if scope['type'] != 'http':  # a web socket: the page has none
            await send({'type': 'websocket.close', 'code': 1008})
            return
        headers = Headers(scope=scope)
        refusal = self._refuse(scope, headers)
        upload = scope['path'].rstrip('/').endswith('/upload')
        if not refusal and upload and not await run_sync(self.has_room):
            refusal = 507, 'There is no room for more images at present; try later.'
        limit = MAX_BODY if not upload else (MAX_UPLOAD_MB << 20) + _FORM
        told = headers.get('content-length', '0')
        if not refusal and not (told.isdecimal() and int(told) <= limit):
            refusal = _too_large(limit)
        if refusal:
            code, sentence = refusal
            await _listen(receive, _PATIENCE * limit)
            answer = PlainTextResponse(sentence, code, {'Connection': 'close'})
            await answer(scope, receive, send)
            return
        taken = 0

        async def counted() -> Awaitable[dict]:
            nonlocal taken
            message = await receive()
            taken += len(message.get('body', b''))
            if taken > limit:
                await _listen(receive, _PATIENCE * limit)
                raise HTTPException(*_too_large(limit))
            return message

        await self.app(scope, counted, send)

    def _refuse(
        self, scope: dict[str, Any], headers: Headers
    ) -> tuple[int, str] | None:
        hosts = headers.getlist('host')
        # what a proxy in front was asked for; gradio makes addresses of it
        hosts += headers.getlist('x-forwarded-host')
        strange = [host for host in hosts if not self._is_own(host, scope)]
        if strange or len(headers.getlist('host')) != 1:
            return 403, (
                f'This page does not answer to the name {", ".join(strange)[:100]!r}; '
                'sapiens web --allowed-host NAME adds one.'
            )
        origin = headers.get('origin')
        if origin is not None:
            place = origin.partition('://')[2].lower()
            same = place in [host.strip().lower() for host in hosts]
            if not place or not (same or name_in(place) in self.proxies):
                return 403, 'Pages of other sites may not use this one.'
        path = scope['path']
        if _NO_PART.search(path) or _ELSEWHERE.match(path):
            return 403, 'This page gives its own files only.'
        return None

    def _is_own(self, header: str, scope: dict[str, Any]) -> bool:
        name = name_in(header)
        if name and (name in self.names or name in self.proxies):
            return True
        came_to = (scope.get('server') or ('',))[0]
        return self.everywhere and bool(name) and name == came_to


async def _listen(receive: Callable, most: int) -> None:
    """Let a client say what it has to say: few listen before they have."""
    taken = 0
    while taken <= most:
        message: dict[str, Any] = {}
        with move_on_after(_SILENCE_S):
            message = await receive()
        taken += len(message.get('body', b''))
        if not message.get('more_body'):
            return


def _too_large(limit: int) -> tuple[int, str]:
    return 413, f'That is too large: at most {limit / (1 << 20):.0f} MB are taken.'
