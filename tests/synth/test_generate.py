"""Data sets made by several processes, resumed, stopped and broken off."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from leftovers import temporary_of_an_ended_process

from sapiens_mm.synth.dataset import generate
from sapiens_mm.synth.dataset import writer as dataset_writer
from sapiens_mm.synth.dataset.files import record_of
from sapiens_mm.synth.dataset.settings import DatasetSettings
from sapiens_mm.synth.dataset.writer import DatasetWriter

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'synthesize_humans.py'
OPTIONS = ['--size', '128x96', '--seed', '3', '--split', '0.5', '0.25', '0.25']
OPTIONS += ['--bump', '--shard-size', '3']


def call(*argv, **kwargs):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, argv)],
        capture_output=True,
        text=True,
        **kwargs,
    )


def content(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob('*'))
        if path.is_file()
    }


def test_the_bytes_do_not_depend_on_the_number_of_workers(
    synth_folder, synth_settings, tmp_path
):
    """Nor on being made in one go: two workers go on from three samples."""
    root = tmp_path / 'set'
    begun = DatasetWriter(root, synth_settings, 3, 'both')
    assert len(list(begun.run(1))) == 3
    begun.finish()
    done = call(root, '--num', 8, '--workers', 2, '--format', 'both', *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert '3 of 8 samples are there already' in done.stdout
    expected, found = content(synth_folder), content(root)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


def fake_sample(root, settings, index):
    """Write a sample's files without rendering it."""
    from made_samples import draw

    sample = draw()
    encoded = generate.encode_sample(sample, settings.kinds(), settings.depth_mm)
    split = settings.split_of(index)
    for kind, data in encoded.items():
        generate.write_atomically(generate.file_of(root, kind, split, index), data)
    record = generate.describe(sample, settings.seed, index, split)
    generate.write_atomically(record_of(root, index), generate.json_bytes(record))


@pytest.fixture
def fakes(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(generate, 'make_sample', fake_sample)
    return DatasetSettings(shares=(0.5, 0.25, 0.25), shard_size=3)


def test_what_is_finished_is_not_made_again(tmp_path, fakes):
    writer = DatasetWriter(tmp_path / 'a', fakes, 6, 'folders')
    assert sorted(index for index, _ in writer.run(1)) == list(range(6))
    writer.finish()
    split = fakes.split_of(2)
    generate.file_of(tmp_path / 'a', 'depth', split, 2).unlink()
    record_of(tmp_path / 'a', 4).unlink()
    part = temporary_of_an_ended_process(tmp_path / 'a/images/train/00000009.jpg')
    writer = DatasetWriter(tmp_path / 'a', fakes, 9, 'folders')
    assert not part.exists()
    assert writer.done == {0, 1, 3, 5}
    assert sorted(index for index, _ in writer.run(1)) == [2, 4, 6, 7, 8]
    with pytest.raises(ValueError, match='another run is at work in'):
        DatasetWriter(tmp_path / 'a', fakes, 9, 'folders')
    writer.close()
    with pytest.raises(ValueError, match=r'has 9 samples already, more than the 7'):
        DatasetWriter(tmp_path / 'a', fakes, 7, 'folders')


def test_shards_alone_keep_no_other_maps_and_grow(tmp_path, fakes):
    root = tmp_path / 'a'
    for num, new in ((7, 7), (12, 5), (12, 0)):
        writer = DatasetWriter(root, fakes, num, 'shards')
        assert len(list(writer.run(1))) == new
        stats = writer.finish()
        assert stats.images == num
    assert sorted(p.name for p in root.iterdir() if p.is_dir()) == [
        'annotations',
        'samples',
        'shards',
    ]
    whole = DatasetWriter(tmp_path / 'b', fakes, 12, 'both')
    list(whole.run(1))
    whole.finish()
    both, shards = content(tmp_path / 'b'), content(root)
    assert shards == {name: both[name] for name in shards}
    assert [name for name in both if name.endswith('.tar') and name not in shards] == []


def test_one_bad_sample_does_not_end_a_run(tmp_path, fakes, monkeypatch):
    def make(root, settings, index):
        if index == 3:
            raise ValueError('nobody is in the image')
        if index == 4:
            raise ZeroDivisionError('division by zero')
        fake_sample(root, settings, index)

    monkeypatch.setattr(generate, 'make_sample', make)
    writer = DatasetWriter(tmp_path / 'a', fakes, 8, 'both')
    outcomes = dict(writer.run(1))
    assert outcomes[3] == 'nobody is in the image'
    assert outcomes[4] == 'ZeroDivisionError: division by zero'
    stats = writer.finish()
    assert stats.images == 6
    report = writer.report(stats)
    assert '2 samples failed:\n  3: nobody' in report
    monkeypatch.setattr(generate, 'make_sample', fake_sample)
    writer = DatasetWriter(tmp_path / 'a', fakes, 8, 'both')
    assert sorted(dict(writer.run(1))) == [3, 4]
    writer.finish()
    whole = DatasetWriter(tmp_path / 'b', fakes, 8, 'both')
    list(whole.run(1))
    whole.finish()
    assert content(tmp_path / 'a') == content(tmp_path / 'b')


def test_a_run_in_which_nothing_works_ends(tmp_path, fakes, monkeypatch):
    def make(root, settings, index):
        raise ValueError('no')

    monkeypatch.setattr(generate, 'make_sample', make)
    writer = DatasetWriter(tmp_path / 'a', fakes, 500, 'folders')
    with pytest.raises(RuntimeError, match='10 samples failed'):
        list(writer.run(1))


def test_a_full_disk_is_said_and_what_was_made_stays(tmp_path, fakes, monkeypatch):
    def make(root, settings, index):
        if index == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), 'x.png')
        fake_sample(root, settings, index)

    monkeypatch.setattr(generate, 'make_sample', make)
    from sapiens_mm.cli import synth as synthesize_humans

    root = tmp_path / 'a'
    said = []
    monkeypatch.setattr(
        'builtins.print', lambda *args, **_: said.append(' '.join(map(str, args)))
    )
    argv = [root, '--num', 9, '--workers', 1, '--size', '128x96']
    assert synthesize_humans.main(list(map(str, argv))) == 1
    assert said[-1].startswith('error: No space left on device (x.png); 3 of 9')
    assert 'the same command goes on' in said[-1]
    monkeypatch.setattr(generate, 'make_sample', fake_sample)
    assert synthesize_humans.main(list(map(str, argv))) == 0
    assert said[-1].startswith('9 images')
    assert dataset_writer.DatasetWriter(
        root, DatasetSettings(size_hw=(128, 96)), 9, 'folders'
    )


def test_compiling_is_said_and_done_before_the_clock_starts(
    tmp_path, fakes, monkeypatch, capsys
):
    import tqdm

    from sapiens_mm.cli import synth as tool

    order = []

    class Bar(tqdm.tqdm):
        def __init__(self, *args, **kwargs):
            order.append('bar')
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(tqdm, 'tqdm', Bar)
    monkeypatch.setattr(generate, 'render', lambda *args: order.append(args))
    argv = ['--num', '3', '--workers', '1', '--size', '128x96', '--set', 'hat=1']
    for share, compiled in ((0.0, True), (0.95, False)):
        monkeypatch.setattr(generate.jit, 'share_compiled', lambda share=share: share)
        root = str(tmp_path / str(share))
        assert tool.main([root, *argv]) == 0
        *drawn, last = order
        assert last == 'bar'
        assert bool(drawn) == compiled
        assert [settings.hat for _, _, settings, _ in drawn] == [1.0] * len(drawn)
        assert ('compiling once, about a minute' in capsys.readouterr().out) == compiled
        order.clear()
    monkeypatch.setattr(generate.jit, 'share_compiled', lambda: 0.0)
    assert tool.main([root, *argv]) == 0  # all is there
    assert order == ['bar']


@pytest.mark.skipif(os.name == 'nt', reason='sends POSIX signals')
@pytest.mark.parametrize('how', ['interrupt', 'kill'])
def test_a_stopped_run_goes_on(tmp_path, how):
    """Ctrl-C, which reaches every process of the terminal, or a SIGKILL of one."""
    root = tmp_path / 'set'
    argv = [sys.executable, str(TOOL), str(root), '--num', '400', '--workers', '2']
    argv += OPTIONS
    with (tmp_path / 'log').open('w') as log:
        process = subprocess.Popen(
            argv,
            stderr=log,
            stdout=log,
            start_new_session=True,
            # a runner in the background ignores Ctrl-C, and children inherit that
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        deadline = time.time() + 120
        while len(list((root / 'samples').glob('*.json'))) < 2:
            assert time.time() < deadline and process.poll() is None
            time.sleep(0.05)
        if how == 'interrupt':
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.kill()
        process.wait(60)
    said = (tmp_path / 'log').read_text()
    if how == 'interrupt':
        assert process.returncode == 130
        assert 'of 400 samples are finished; the same command goes on' in said
        assert 'Traceback' not in said
        assert list(root.rglob('*.part')) == []
    else:  # the other processes follow
        deadline = time.time() + 60
        while True:
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                break
            assert time.time() < deadline, 'orphans'
            time.sleep(0.1)
    there = len(list((root / 'samples').glob('*.json')))
    options = {'size_hw': (128, 96), 'shares': (0.5, 0.25, 0.25)}
    settings = DatasetSettings(seed=3, bump=True, shard_size=3, **options)
    writer = DatasetWriter(root, settings, 400, 'folders')
    assert len(writer.done) == there >= 2


@pytest.mark.parametrize(
    ('argv', 'match'),
    [
        (['--num', '0'], '--num must be at least 1'),
        (['--size', '1024'], 'must be like 1024x768'),
        (['--size', '30x30'], '64 pixels'),
        (['--set', 'hat=3'], 'setting hat is 3.0; it must be a number from 0 to 1'),
        (['--set', 'hst=3'], "no setting 'hst'; did you mean hat"),
        (['--knob', 'hat=3'], '--knob is now --set'),
        (['--knobs=few.json'], '--knobs is now --settings'),
        (['--split', '1', '1', '1'], 'add up to 1'),
        (['--set', 'backgrounds={folder}'], 'images that cannot be read: b.jpg'),
        (['--set', 'backgrounds={folder}/none'], 'no folder of backgrounds'),
    ],
)
def test_wrong_calls_are_one_sentence(tmp_path, argv, match):
    folder = tmp_path / 'photos'
    folder.mkdir()
    (folder / 'b.jpg').write_bytes(b'no image')
    argv = [word.format(folder=folder) for word in argv]
    done = call(tmp_path / 'set', *argv)
    assert done.returncode == 2
    assert match in done.stderr and 'Traceback' not in done.stderr
    assert not (tmp_path / 'set').exists()


def test_the_settings_are_listed():
    done = call('--list-settings')
    assert done.returncode == 0
    assert 'fov_deg=22,58' in done.stdout and 'hat=0.14' in done.stdout
