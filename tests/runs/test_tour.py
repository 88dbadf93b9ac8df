"""The notebook runs from its first cell to its last, without a network."""

import json
from pathlib import Path

import pytest

for host in ('mmpose', 'mmseg', 'mmdet', 'numba'):
    pytest.importorskip(host)

NOTEBOOK = Path(__file__).resolve().parents[2] / 'demo/tour.ipynb'


def test_cells_run_in_order(monkeypatch, capsys):
    import matplotlib as mpl

    mpl.use('Agg')
    from matplotlib import pyplot as plt

    shown = []
    monkeypatch.setattr(plt, 'show', lambda: shown.append(plt.gcf()))
    cells = json.loads(NOTEBOOK.read_text())['cells']
    names = {}
    for number, cell in enumerate(cells):
        if cell['cell_type'] == 'code':
            assert not cell['outputs'], 'clear outputs before committing'
            exec(compile(''.join(cell['source']), f'cell {number}', 'exec'), names)
    assert [len(figure.axes) for figure in shown] == [5, 3]
    assert names['people'].keypoints.shape[1:] == (308, 2)
    assert names['people'].boxes_from == 'detector'
    assert names['relief'].depth.shape == (512, 512)
    assert names['surface'].normals.shape == (512, 512, 3)
    assert names['parts'].labels.any()
    assert 'of the pixels have the right class' in capsys.readouterr().out
