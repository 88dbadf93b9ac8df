"""Take the image of the web page for docs/webui.md.

    python tools/dev/screenshot_webui.py
    python tools/dev/screenshot_webui.py --checkpoint pose.pth seg.pth

Starts ``sapiens web`` with the arguments given, uploads an example to it in a browser
without a window, runs all tasks and writes ``docs/images/webui.jpg``. Needs gradio,
Chromium and its driver (Debian: chromium, chromium-driver).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools/dev')]

from _webdriver import Browser, why_no_browser
from sapiens_mm.files import write_image

IMAGE = ROOT / 'sapiens_mm/examples/synthetic_walking.jpg'
SCREENSHOT = ROOT / 'docs/images/webui.jpg'
SIZE_WH = (1440, 1600)  # the window; the image is reduced to WIDTH
WIDTH = 1000


def serve(arguments: Sequence[str]) -> tuple[subprocess.Popen, str]:
    """Start the page on a free port; return the process and the address.

    Raises:
        RuntimeError: If it does not start.
    """
    command = [sys.executable, str(ROOT / 'demo/webui.py'), '--port', '0']
    server = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
    for line in server.stdout:
        if line.startswith('Open '):
            return server, line.split()[1]
    raise RuntimeError(f'sapiens web stopped with exit code {server.wait()}')


def use_page(browser: Browser, url: str, image: Path, timeout_s: float) -> str:
    """Upload an image, press Run, wait for the end; return what the page then says.

    Args:
        browser: A started one.
        url: Of the page.
        image: To be uploaded.
        timeout_s: For the models, loading included.
    """
    browser.open(url)
    browser.wait("return document.querySelector('#image input[type=file]')")
    browser.upload('#image input[type=file]', image)
    browser.wait("return document.querySelector('#image img')")
    browser.click('#run')
    ended = "document.querySelector('#say [data-state=done], #say [data-state=failed]')"
    browser.wait(f'return {ended}', timeout_s)
    # the last images are fetched after the page has said that it is done
    browser.wait(
        "return [...document.querySelectorAll('#gallery img')].every("
        'i => i.complete && i.naturalWidth > 0)'
    )
    return browser.run("return document.querySelector('#say').innerText")


def main(argv: Sequence[str] | None = None) -> int:
    """Take the image; return 0, or 2 if there is no browser."""
    if reason := why_no_browser():
        print(f'error: {reason}', file=sys.stderr)
        return 2
    server, url = serve(sys.argv[1:] if argv is None else argv)
    try:
        with Browser(SIZE_WH) as browser:
            print(use_page(browser, url, IMAGE, timeout_s=900))
            png = np.frombuffer(browser.screenshot(), np.uint8)
    finally:
        server.terminate()
        server.wait(timeout=30)
    image = cv2.imdecode(png, cv2.IMREAD_COLOR)
    size_wh = (WIDTH, round(len(image) * WIDTH / image.shape[1]))
    image = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    write_image(SCREENSHOT, image)
    print(f'{SCREENSHOT} ({SCREENSHOT.stat().st_size / 1000:.0f} KB)')
    return 0


if __name__ == '__main__':
    sys.exit(main())
