"""tools/plot_losses.py on logs as mmengine writes them."""

import json

import cv2
import pytest
from script_util import load_script


@pytest.fixture(scope='module')
def tool():
    return load_script('tools/dev/plot_losses.py')


def write_log(folder, start, entries):
    path = folder / start / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(f'{json.dumps(entry)}\n' for entry in entries))


def test_the_last_start_is_read_and_drawn(tool, tmp_path):
    run = tmp_path / 'seg'
    write_log(run, '20260101_000000', [dict(loss=9.0, iter=50)])
    entries = [dict(loss=2.0, iter=50), dict(mIoU=3.0, step=1), dict(loss=1.0, step=99)]
    write_log(run, '20260102_000000', entries)
    assert tool.read_losses(run) == ([50, 99], [2.0, 1.0])
    out = tmp_path / 'losses.png'
    assert tool.main([str(run), f'other={run}', f'other={run}', '--out', str(out)]) == 0
    height, width = cv2.imread(str(out)).shape[:2]
    assert (height, width) == (260, 600)  # two panels
    assert tool.main([*(f'{i}={run}' for i in range(7)), '--out', str(out)]) == 0
    picture = cv2.imread(str(out))
    assert picture.shape[:2] == (520, 1500)  # two rows of five
    # two in the last
    assert picture[300:, :600].min() < 100 < picture[300:, 610:].min()


@pytest.mark.parametrize(
    ('losses', 'bottom'), [([3.75, 3.25], 0.0), ([0.5, -0.25], -0.2875)]
)
def test_curves_begin_at_zero(tool, tmp_path, monkeypatch, losses, bottom):
    """From its least value on, a curve that falls by an eighth falls to nothing."""
    from matplotlib.figure import Figure

    run = tmp_path / 'seg'
    entries = [dict(loss=loss, iter=50 * i) for i, loss in enumerate(losses)]
    write_log(run, '20260101_000000', entries)
    limits = []
    monkeypatch.setattr(
        Figure, 'savefig', lambda self, *_, **__: limits.append(self.axes[0].get_ylim())
    )
    assert tool.main([str(run), '--out', str(tmp_path / 'a.png')]) == 0
    assert limits[0][0] == pytest.approx(bottom)
    assert limits[0][1] > max(losses)


def test_a_folder_without_a_log_is_named(tool, tmp_path, capsys):
    assert tool.main([str(tmp_path), '--out', str(tmp_path / 'a.png')]) == 2
    assert f'{tmp_path} holds no log' in capsys.readouterr().err
