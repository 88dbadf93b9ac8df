"""sapiens convert parts: labels of others become the 28."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from scipy.io import savemat

from sapiens_mm.cli import convert
from sapiens_mm.tables import GOLIATH28, LIP20
from sapiens_mm.tables.body_parts import LIP_TO_28, PASCAL_CLASSES, PASCAL_TO_28

sys.path.insert(0, str(Path(__file__).parents[1] / 'seg'))
from part_layouts import write_labels, write_lip


def run(*argv):
    return convert.main(['parts', *map(str, argv)])


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize('source', ['lip20', 'cihp20', 'atr18', 'pascal25'])
def test_every_class_is_mapped(tmp_path, source, capsys):
    from sapiens_mm.seg.label_maps import LABEL_SOURCES

    table = LABEL_SOURCES[source]
    ids = np.array([[*range(len(table)), 255]], np.uint8)
    write_labels(tmp_path / 'in/sub/a.png', ids)
    write_labels(tmp_path / 'in/b.png', ids[:, ::-1], LIP20.palette)
    assert run(tmp_path / 'in', tmp_path / 'out', '--from', source) == 0
    assert '2 converted, 0 were there, 0 failed' in capsys.readouterr().out
    expected = np.array([[*table, 255]])
    np.testing.assert_array_equal(read(tmp_path / 'out/sub/a.png'), expected)
    np.testing.assert_array_equal(read(tmp_path / 'out/b.png'), expected[:, ::-1])
    assert read(tmp_path / 'out/b.png').ndim == 2  # grey: any reader sees the ids


def test_a_bad_file_does_not_stop_the_others(tmp_path, capsys):
    root = write_lip(tmp_path / 'lip', 4)
    labels = root / 'segmentations/train_segmentations'
    names = sorted(path.name for path in labels.iterdir())
    write_labels(labels / names[0], np.full((5, 4), 20))
    (labels / names[2]).write_bytes(b'')
    out = tmp_path / 'out'
    argv = [labels, out, '--from', 'lip20']
    assert run(*argv) == 1
    shown = capsys.readouterr()
    assert '2 converted, 0 were there, 2 failed' in shown.out
    failed = [line for line in shown.err.splitlines() if line.startswith('failed')]
    assert len(failed) == 2
    assert f'{labels / names[0]} holds the ids 20 at 20 of 20 pixels' in failed[0]
    assert f'{labels / names[2]} is no readable label image' in failed[1]
    assert sorted(path.name for path in out.iterdir()) == [names[1], names[3]]
    ids = read(labels / names[1])
    np.testing.assert_array_equal(read(out / names[1]), np.array(LIP_TO_28)[ids])

    # once mended, only what is missing is converted
    before = (out / names[1]).stat().st_mtime_ns
    write_labels(labels / names[0], ids)
    write_labels(labels / names[2], ids)
    assert run(*argv) == 0
    assert '2 converted, 2 were there, 0 failed' in capsys.readouterr().out
    assert (out / names[1]).stat().st_mtime_ns == before
    assert run(*argv, '--force') == 0
    assert '4 converted, 0 were there' in capsys.readouterr().out


def test_a_killed_run_leaves_whole_files_and_goes_on(tmp_path):
    rng = np.random.RandomState(0)
    for n in range(60):
        write_labels(tmp_path / f'in/{n:02d}.png', rng.randint(0, 20, (700, 700)))
    argv = [sys.executable, '-m', 'sapiens_mm', 'convert', 'parts']
    argv += [tmp_path / 'in', tmp_path / 'out']
    argv = [*map(str, argv), '--from', 'cihp20', '--workers', '1']
    process = subprocess.Popen(argv, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.time() + 60
    while len(list((tmp_path / 'out').glob('*.png'))) < 3:
        assert time.time() < deadline and process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = list((tmp_path / 'out').glob('*.png'))
    assert 3 <= len(done) < 60
    for path in done:
        assert read(path).shape == (700, 700)
    assert subprocess.run(argv, capture_output=True).returncode == 0
    for n in range(60):
        expected = np.array(LIP_TO_28)[read(tmp_path / f'in/{n:02d}.png')]
        np.testing.assert_array_equal(read(tmp_path / f'out/{n:02d}.png'), expected)


def pascal_file(path, objects):
    """Write objects, (class, mask, {part name: mask}), as PASCAL-Part does."""

    def structs(rows):
        """Make a row of structs, as MATLAB's ``x(n).field``."""
        array = np.empty((1, len(rows)), [(key, object) for key in rows[0]])
        for n, row in enumerate(rows):
            array[0, n] = tuple(row.values())
        return array

    def parts_of(masks):
        rows = [
            dict(part_name=name, mask=mask.astype(np.uint8))
            for name, mask in masks.items()
        ]
        return structs(rows) if rows else np.empty((0, 0))

    things = [
        {
            'class': kind,
            'class_ind': 15.0,
            'mask': mask.astype(np.uint8),
            'parts': parts_of(parts),
        }
        for kind, mask, parts in objects
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, dict(anno=dict(imname=path.stem, objects=structs(things))))


def test_pascal_part_files(tmp_path):
    def box(*rows_and_columns):
        mask = np.zeros((6, 8), bool)
        mask[tuple(slice(*pair) for pair in rows_and_columns)] = True
        return mask

    person = box((0, 6), (0, 3))
    parts = dict(
        leye=box((0, 1), (1, 2)),  # listed before the head that it lies on
        head=box((0, 2), (0, 3)),
        lfoot=box((5, 6), (0, 1)),
        rlarm=box((2, 3), (0, 1)),
    )
    dog = box((3, 6), (4, 8))
    objects = [('dog', dog, dict(head=dog)), ('person', person, parts)]
    objects.append(('person', box((0, 1), (7, 8)), {}))
    pascal_file(tmp_path / 'in/2008_000003.mat', objects)
    assert run(tmp_path / 'in', tmp_path / 'out', '--from', 'pascal25') == 0
    expected = np.zeros((6, 8), np.uint8)
    expected[person] = 255
    face, shoe = (GOLIATH28.classes.index(n) for n in ('Face_Neck', 'Left_Shoe'))
    expected[:2, :3], expected[5, 0] = face, shoe
    expected[0, 7] = 255
    np.testing.assert_array_equal(read(tmp_path / 'out/2008_000003.png'), expected)

    from sapiens_mm.data.files import BadFileError
    from sapiens_mm.seg.convert_labels import PASCAL_PARTS, read_pascal_parts

    ids = read_pascal_parts(tmp_path / 'in/2008_000003.mat')
    assert PASCAL_CLASSES[ids[0, 1]] == 'Left_eye'
    assert PASCAL_CLASSES[ids[1, 1]] == 'Head'
    assert PASCAL_CLASSES[ids[2, 0]] == 'Right_lower_arm'
    assert PASCAL_TO_28[ids[2, 0]] == 255
    # names agree: 'lhand' is 'Left_hand', 'rlleg' 'Right_lower_leg'
    short = [
        ''.join([w[0] for w in words[:-1]] + words[-1:]).lower()
        for words in (
            name.replace('eye_brow', 'ebrow').split('_') for name in PASCAL_CLASSES
        )
    ]
    assert tuple(short[1:]) == PASCAL_PARTS
    pascal_file(tmp_path / 'x.mat', [('person', person, dict(tail=person))])
    with pytest.raises(BadFileError, match='x.mat holds an unknown part .*: tail'):
        read_pascal_parts(tmp_path / 'x.mat')
    savemat(tmp_path / 'y.mat', dict(other=1))
    with pytest.raises(BadFileError, match='y.mat is no PASCAL-Part annotation'):
        read_pascal_parts(tmp_path / 'y.mat')


def test_wrong_calls_are_one_sentence(tmp_path, capsys):
    write_labels(tmp_path / 'in/a.png', np.zeros((2, 2)))
    write_labels(tmp_path / 'in/a.PNG', np.zeros((2, 2)))
    (tmp_path / 'empty').mkdir()
    for argv, match in [
        ([tmp_path / 'no', tmp_path, '--from', 'lip20'], 'is not a folder'),
        ([tmp_path / 'empty', 'x', '--from', 'lip20'], 'holds no .png file'),
        ([tmp_path / 'in', 'x', '--from', 'lip20'], 'would be one file'),
        *(
            ([tmp_path / 'in', out, '--from', 'lip20'], 'a folder outside')
            for out in (tmp_path / 'in', tmp_path / 'in/converted')
        ),
    ]:
        assert run(*argv) == 2
        shown = capsys.readouterr().err
        assert shown.startswith('error: ') and shown.count('\n') == 1, shown
        assert match in shown
