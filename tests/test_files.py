"""Files that are whole or not there, whoever ends, and whoever writes beside."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from leftovers import temporary_of_an_ended_process

from sapiens_mm import files
from sapiens_mm.files import FolderLock, sweep, whole_file, write_atomically


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('code', [errno.ENOSPC, errno.EIO])
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch, code):
    path = tmp_path / 'folder' / 'a.bin'
    write_atomically(path, b'old')

    class Full:
        def __init__(self, path, mode):
            Path(path).write_bytes(b'n')

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def write(self, data):
            raise OSError(code, os.strerror(code))  # names no file

    monkeypatch.setattr(files, 'open', Full, raising=False)
    with pytest.raises(OSError, match=os.strerror(code)) as caught:
        write_atomically(path, b'new content')
    assert caught.value.errno == code and caught.value.filename == str(path)
    assert path.read_bytes() == b'old' and names(path.parent) == ['a.bin']


def test_errors_name_the_file_that_was_meant(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    for path, kind in (
        (tmp_path / 'file' / 'a.json', (FileExistsError, NotADirectoryError)),
        (tmp_path / ('x' * 300 + '.json'), OSError),
        (Path('/proc/nowhere/a.json'), OSError),
    ):
        with pytest.raises(kind) as caught:
            write_atomically(path, b'')
        assert '.part' not in str(caught.value)
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / 'b') as part:
        part.write_bytes(b'half')
        raise KeyboardInterrupt
    # an error about another file stays what it is
    with pytest.raises(FileNotFoundError, match='absent'), whole_file(tmp_path / 'b'):
        (tmp_path / 'absent').read_bytes()
    assert names(tmp_path) == ['file']


def test_a_name_as_long_as_names_can_be(tmp_path):
    """Temporary files do not add to it."""
    path = tmp_path / ('x' * 250 + '.json')
    write_atomically(path, b'1')
    assert path.read_bytes() == b'1'


def test_the_mode_is_that_of_any_new_file(tmp_path):
    """The umask of the process is never touched, which threads would race for."""
    calls = []
    before = os.umask
    plain = tmp_path / 'plain'
    plain.write_bytes(b'')
    try:
        os.umask = lambda mask: calls.append(mask) or before(mask)
        write_atomically(tmp_path / 'a', b'')
    finally:
        os.umask = before
    assert not calls
    assert (tmp_path / 'a').stat().st_mode == plain.stat().st_mode


def test_threads_and_processes_write_one_file_at_once(tmp_path):
    path = tmp_path / 'a.npy'
    arrays = [np.full((50, 50), n) for n in range(8)]

    def write(array):
        for _ in range(20):
            files.write_array(path, array)
            assert len(np.unique(np.load(path))) == 1

    threads = [threading.Thread(target=write, args=(array,)) for array in arrays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ['a.npy']


def test_leftovers_of_ended_processes_go_with_the_next_file(tmp_path):
    left = [
        temporary_of_an_ended_process(tmp_path / name) for name in ('a.mp4', 'b.jpg')
    ]
    assert all(path.is_file() for path in left)
    assert [path.suffixes[-2:] for path in left] == [
        ['.part', '.mp4'],
        ['.part', '.jpg'],
    ]
    mine = files.temporary_for(tmp_path / 'c.jpg')
    mine.write_bytes(b'still being written')
    users = [tmp_path / name for name in ('.sapiens_mm-a.part', 'x.part', '.b.7.part')]
    for path in users:
        path.write_bytes(b'')
    write_atomically(tmp_path / 'd.txt', b'')
    assert names(tmp_path) == sorted(p.name for p in (mine, tmp_path / 'd.txt', *users))


def test_live_processes_keep_theirs(tmp_path):
    """Another one that runs is not swept, one of the same id before is."""
    code = (
        'import sys; from pathlib import Path; from sapiens_mm import files; '
        'path = files.temporary_for(Path(sys.argv[1])); path.write_bytes(b"x"); '
        'print(path, flush=True); sys.stdin.read()'
    )
    pipe = subprocess.PIPE
    command = [sys.executable, '-c', code, str(tmp_path / 'a')]
    other = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    try:
        path = Path(other.stdout.readline().strip())
        machine, pid, begin, end = path.name.removeprefix(files.PREFIX).split('-', 3)
        earlier = tmp_path / f'{files.PREFIX}{machine}-{pid}-{"0" * 8}-{end}'
        earlier.write_bytes(b'')
        sweep(tmp_path)
        assert path.is_file()
        assert earlier.exists() == (begin == files.UNKNOWN)  # known on Linux
        assert files.has_ended(f'{machine}-{pid}-{begin}') is False
    finally:
        other.communicate('')
    assert files.has_ended(f'{machine}-{pid}-{begin}') is True
    sweep(tmp_path)
    assert not path.exists()


def test_files_of_other_machines_are_given_a_day(tmp_path):
    paths = [tmp_path / f'{files.PREFIX}0badcafe-1-0-{n}.part' for n in range(2)]
    for path in paths:
        path.write_bytes(b'')
    old = paths[0].stat().st_mtime - files.FOREIGN_AGE_S - 5
    os.utime(paths[0], (old, old))
    sweep(tmp_path)
    assert names(tmp_path) == [paths[1].name]
    assert files.has_ended('0badcafe-1-0') is None


def test_sweeping_deep(tmp_path):
    left = temporary_of_an_ended_process(tmp_path / 'a.png')
    deep = tmp_path / 'a' / 'b'
    deep.mkdir(parents=True)
    left.rename(deep / left.name)
    sweep(tmp_path)
    assert names(deep) == [left.name]
    sweep(tmp_path, deep=True)
    assert names(deep) == []
    sweep(tmp_path / 'absent', deep=True)


def test_locks_leave_nothing_and_end_with_their_owner(tmp_path):
    folder = tmp_path / 'a'
    with FolderLock(folder) as first, FolderLock(folder) as second:
        first.share()
        second.share()
        assert not first.try_take()
        second.release()
        assert first.try_take()
        with FolderLock(folder) as third:
            assert not third.try_take()
    with FolderLock(folder) as third:
        assert third.try_take()
    assert names(folder) == []
