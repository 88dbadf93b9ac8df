"""The sheets of numbered keypoints: sizes, and dots where keypoints project to."""

from __future__ import annotations

import importlib
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools/dev'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module('draw_keypoints')


def test_dots_are_where_the_keypoints_are(tool):
    body = tool.bodies(None)[0]
    panel = tool.FACE_ROWS[0][0]
    image = tool.draw(body, panel)
    spots = tool.look(body, panel).project(tool.place(body))
    names = tool.GOLIATH308.names
    for name, colour in (
        ('center_of_glabella', tool.MIDDLE),
        ('end_of_l_eyebrow', tool.LEFT),
        ('end_of_r_eyebrow', tool.RIGHT),
    ):
        x, y = np.round(spots[names.index(name), :2]).astype(int)
        assert tuple(image[y, x]) == colour
    # the left side of the person is on the right of the image
    assert spots[names.index('end_of_l_eyebrow'), 0] > panel.size_hw[1] / 2


def test_sheets_are_written(tool, tmp_path, capsys):
    assert tool.main(['--output', str(tmp_path), '--posed', '2']) == 0
    for name, rows in (('body', tool.BODY_ROWS), ('face', tool.FACE_ROWS)):
        image = cv2.imread(str(tmp_path / f'synth_keypoints_{name}.jpg'))
        high = sum(row[0].size_hw[0] for row in rows)
        wide = max(sum(panel.size_hw[1] for panel in row) for row in rows)
        assert image.shape == (high, wide, 3)
    assert capsys.readouterr().out.count('MB') == 2


def test_numbers_keep_clear_of_each_other(tool):
    image = np.zeros((200, 200, 3), np.uint8)
    taken = []
    for spot in ([100.0, 100.0], [104.0, 100.0], [100.0, 104.0]):
        tool._number(image, '123', np.array(spot), np.array([1.0, 0.0]), taken)
    first, second, third = taken
    assert tool._overlap(first, second) == tool._overlap(second, third) == 0
    assert image.any()


def test_the_sheets_show_all_keypoints(tool):
    closed, ajar = tool.bodies(None)
    shown = set()
    for panel in (
        p for rows in (tool.BODY_ROWS, tool.FACE_ROWS) for r in rows for p in r
    ):
        body = ajar if panel.wide_open else closed
        camera = tool.look(body, panel)
        depth = tool.shade(body, camera)[1]
        seen = tool.visibility(tool.place(body), camera, depth, body=body)
        shown |= {k for k in panel.ids if seen[k] == 2}
    names = tool.GOLIATH308.names
    assert sorted(names[k] for k in set(range(308)) - shown) == []
