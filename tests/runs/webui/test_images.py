"""The web page: images that are good, large, broken or not there."""

import re

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')
pytest.importorskip('gradio')

from sapiens_mm.testing import fake_person_image


def broken(path):
    cv2.imwrite(str(path), fake_person_image(0, (400, 300)))
    path.write_bytes(path.read_bytes()[:2000])


def huge(path):
    Image.new('1', (20000, 8000)).save(path)


def bomb(path):
    Image.new('1', (20000, 10000)).save(path)


@pytest.mark.parametrize(
    ('name', 'make', 'match'),
    [
        ('cut.png', broken, r'cut\.png is a broken or truncated image \(.*\)'),
        ('text.jpg', lambda p: p.write_text('hello'), r'text\.jpg is not an image'),
        ('empty.jpg', lambda p: p.write_bytes(b''), r'empty\.jpg is empty'),
        ('huge.png', huge, r'huge\.png has 20000 x 8000 pixels, which is 160 mega.*'),
        ('bomb.png', bomb, r'bomb\.png has .* 150 megapixels.*|.*200 megapixels.*'),
        ('gone.png', lambda p: None, r'gone\.png was deleted meanwhile: upload .*'),
    ],
)
def test_bad_images_are_one_sentence(
    answer, demo, page, tmp_path, capsys, name, make, match
):
    make(tmp_path / name)
    last = answer(page[0], tmp_path / name)
    assert len(last.errors) == 1 and not last.images and not last.doing
    assert re.fullmatch(match + r'\.', last.errors[0]), last.errors
    assert capsys.readouterr().err == ''


def test_large_images_are_reduced(answer, demo, page, photo, monkeypatch):
    monkeypatch.setattr(page[0], 'max_megapixels', 0.0012)
    last = answer(page[0], photo, task='depth')
    assert last.errors == []
    assert 'of 60 x 80 pixels was reduced to 30 x 40' in last.notes[0]
    assert np.load(last.files[0]).shape == (40, 30)


def test_in_a_browser(demo, page, photo):
    from _webdriver import Browser, why_no_browser
    from screenshot_webui import use_page

    if reason := why_no_browser():
        pytest.skip(reason)
    with Browser() as browser:
        browser.open('about:blank')
        browser.requested()  # the browser's own first page
        text = use_page(browser, page[1], photo, timeout_s=60)
        assert text.startswith('Done in') and 'Tiny demo weights' in text
        count = "return document.querySelectorAll('#gallery img').length"
        assert browser.run(count) == 4
        names = browser.run("return document.querySelector('#files').textContent")
        names = ''.join(names.split())
        assert 'photo_pose.json' in names and 'photo_normal.npy' in names
        urls = browser.requested()
        assert len(urls) > 20
        own = (page[1], 'data:', 'blob:' + page[1])
        assert [url for url in urls if not url.startswith(own)] == []
        assert browser.complaints() == []
        # an example: what was shown is none of it
        browser.click('#examples button')
        browser.wait("return document.querySelector('#say [data-state=idle]')")
        assert browser.run(count) == 0
        source = browser.run("return document.querySelector('#image img').src")
        assert 'astronaut' in source
        image = cv2.imdecode(np.frombuffer(browser.screenshot(), np.uint8), 1)
        assert image.std() > 10
