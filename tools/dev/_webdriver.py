"""A browser without a window, for tests and images of the web page.

Speaks the W3C WebDriver protocol to chromedriver, which Debian's chromium-driver and
Chrome's own downloads bring; no Python package is needed.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
DRIVER = 'chromedriver'
# no window, no first steps, and no request that the page did not ask for
SWITCHES = (
    '--headless',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
)
_ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'  # the key that the standard sets


def why_no_browser() -> str:
    """Say which program is missing; '' if none is."""
    if not any(map(shutil.which, BROWSERS)):
        return f'no browser is installed (looked for {", ".join(BROWSERS)})'
    if not shutil.which(DRIVER):
        return f'{DRIVER} is not installed (Debian: chromium-driver)'
    return ''


class Browser:
    """Chromium under the control of a script; use it in a ``with`` statement.

    Args:
        size_wh: Of the window in pixels, (W, H).
        timeout_s: How long ``wait`` waits.

    Raises:
        RuntimeError: If browser or driver is missing or does not start.
    """

    def __init__(
        self, size_wh: tuple[int, int] = (1400, 1000), timeout_s: float = 60.0
    ) -> None:
        if reason := why_no_browser():
            raise RuntimeError(reason)
        self.timeout_s = timeout_s
        self._size_wh = size_wh
        self._address = ''

    def __enter__(self) -> Browser:
        """Start driver and browser."""
        self._profile = tempfile.mkdtemp(prefix='browser_')
        self._driver = subprocess.Popen(
            [shutil.which(DRIVER), '--port=0'],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            self._open_session()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop both and delete the profile."""
        if '/session/' in self._address:
            self._call('DELETE', '')
        self._driver.terminate()
        self._driver.wait(timeout=20)
        self._driver.stdout.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _open_session(self) -> None:
        for line in self._driver.stdout:
            if found := re.search(r'started successfully on port (\d+)', line):
                self._address = f'http://127.0.0.1:{found.group(1)}'
                break
        else:
            raise RuntimeError(f'{DRIVER} stopped at once')
        width, height = self._size_wh
        switches = [
            *SWITCHES,
            f'--user-data-dir={self._profile}',
            f'--window-size={width},{height}',
        ]
        if hasattr(os, 'geteuid') and os.geteuid() == 0:
            switches.append('--no-sandbox')  # the sandbox does not start as root
        program = next(filter(None, map(shutil.which, BROWSERS)))
        wanted = {
            'browserName': 'chrome',
            'goog:chromeOptions': {'binary': program, 'args': switches},
            'goog:loggingPrefs': {'performance': 'ALL', 'browser': 'ALL'},
        }
        answer = self._call(
            'POST', '/session', {'capabilities': {'alwaysMatch': wanted}}
        )
        self._address += f'/session/{answer["sessionId"]}'

    def _call(self, method: str, path: str, body: dict | None = None) -> Any:
        data = None if method != 'POST' else json.dumps(body or {}).encode()
        request = urllib.request.Request(
            self._address + path,
            data,
            {'Content-Type': 'application/json'},
            method=method,
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=120) as answer:
                return json.load(answer)['value']
        except urllib.error.HTTPError as error:
            problem = json.load(error)['value']
            raise RuntimeError(problem['message'].splitlines()[0]) from None

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""
        self._call('POST', '/url', {'url': url})

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript and return what it returns."""
        body = {'script': script, 'args': list(arguments)}
        return self._call('POST', '/execute/sync', body)

    def wait(self, script: str, timeout_s: float | None = None) -> Any:
        """Run JavaScript until it returns something true, and return that.

        Raises:
            TimeoutError: If it does not.
        """
        end = time.monotonic() + (timeout_s or self.timeout_s)
        while not (value := self.run(script)):
            if time.monotonic() > end:
                raise TimeoutError(f'Nothing came of: {script}')
            time.sleep(0.2)
        return value

    def click(self, selector: str) -> None:
        """Click the first element that a CSS selector finds, once nothing covers it."""
        end = time.monotonic() + self.timeout_s
        while True:
            try:
                self._call('POST', f'/element/{self._find(selector)}/click')
                return
            except RuntimeError as error:
                if 'intercepted' not in str(error) or time.monotonic() > end:
                    raise
            time.sleep(0.2)

    def upload(self, selector: str, path: Path) -> None:
        """Give a file to an input of files."""
        body = {'text': str(path)}
        self._call('POST', f'/element/{self._find(selector)}/value', body)

    def _find(self, selector: str) -> str:
        body = {'using': 'css selector', 'value': selector}
        return self._call('POST', '/element', body)[_ELEMENT]

    def screenshot(self) -> bytes:
        """Return what the window shows, as PNG."""
        return base64.b64decode(self._call('GET', '/screenshot'))

    def requested(self) -> list[str]:
        """Return the addresses asked for since the last call of this."""
        urls = []
        for entry in self._call('POST', '/se/log', {'type': 'performance'}):
            message = json.loads(entry['message'])['message']
            if message['method'] == 'Network.requestWillBeSent':
                urls.append(message['params']['request']['url'])
            elif message['method'] == 'Network.webSocketCreated':
                urls.append(message['params']['url'])
        return urls

    def complaints(self) -> list[str]:
        """Return the errors in the browser's console since the last call of this."""
        entries = self._call('POST', '/se/log', {'type': 'browser'})
        return [e['message'] for e in entries if e['level'] == 'SEVERE']
