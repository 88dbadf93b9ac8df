"""Checkpoints that a killed run, or a full disk, leaves behind: whole ones."""

from collections import deque
from types import SimpleNamespace

import pytest

pytest.importorskip('mmengine')

from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.hooks import checkpoint_hook as module

from sapiens_mm import files


class FullDisk:
    """In place of ``open``: a byte arrives, then the disk is full."""

    def __init__(self, path, mode):
        self.file = open(path, mode)  # noqa: SIM115

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, data):
        self.file.write(data[:1])
        raise OSError(28, 'No space left on device')


@pytest.mark.parametrize('method', ['put', 'put_text'])
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, method):
    path = tmp_path / 'a' / 'epoch_1.pth'
    content = {'put': (b'old', b'new'), 'put_text': ('old', 'new')}[method]
    put = getattr(LocalBackend(), method)
    put(content[0], path)
    monkeypatch.setattr(files, 'open', FullDisk, raising=False)
    with pytest.raises(OSError, match='No space left') as caught:
        put(content[1], path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b'old' and len([*path.parent.iterdir()]) == 1


def test_links_are_followed(tmp_path):
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'latest.pth').symlink_to(tmp_path / 'disk/latest.pth')
    LocalBackend().put(b'new', tmp_path / 'latest.pth')
    assert (tmp_path / 'latest.pth').is_symlink()
    assert (tmp_path / 'disk/latest.pth').read_bytes() == b'new'


@pytest.fixture
def hook(tmp_path):
    """A hook that keeps one checkpoint, and the runner it serves after epoch 1."""
    hook = CheckpointHook(interval=1, max_keep_ckpts=1)
    hook.out_dir, hook.file_backend = str(tmp_path), LocalBackend()
    hook.filename_tmpl, hook.keep_ckpt_ids = 'epoch_{}.pth', deque([1], 1)
    (tmp_path / 'epoch_1.pth').write_bytes(b'1')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_1.pth'))

    def save(out_dir, name, *args, **kwargs):
        assert (tmp_path / 'epoch_1.pth').is_file()
        hook.file_backend.put(b'2', tmp_path / name)

    hub = SimpleNamespace(update_info=lambda *_: None)
    runner = SimpleNamespace(work_dir=str(tmp_path), message_hub=hub)
    runner.save_checkpoint = save
    return hook, runner


def test_the_old_one_goes_when_the_new_one_is_there(hook, tmp_path):
    hook[0]._save_checkpoint_with_step(hook[1], 2, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'epoch_2.pth',
        'last_checkpoint',
    ]
    last = (tmp_path / 'last_checkpoint').read_text()
    assert last == str(tmp_path / 'epoch_2.pth')
    assert 'remove' not in vars(hook[0].file_backend)


def test_the_old_one_stays_when_the_new_one_fails(hook, tmp_path):
    """It was removed first, and there was nothing to go on from."""

    def save(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    hook[1].save_checkpoint = save
    with pytest.raises(OSError):
        hook[0]._save_checkpoint_with_step(hook[1], 2, {})
    assert (tmp_path / 'epoch_1.pth').read_bytes() == b'1'
    last = (tmp_path / 'last_checkpoint').read_text()
    assert last == str(tmp_path / 'epoch_1.pth')
    hook[0].file_backend.remove(str(tmp_path / 'epoch_1.pth'))  # its own again
    assert not (tmp_path / 'epoch_1.pth').exists()


def test_last_checkpoint_is_never_empty(tmp_path):
    path = tmp_path / 'last_checkpoint'
    path.write_text('old')
    with pytest.raises(KeyboardInterrupt), module.open(str(path), 'w') as file:
        file.write('n')
        file.flush()
        assert path.read_text() == 'old'
        raise KeyboardInterrupt
    assert path.read_text() == 'old' and len([*tmp_path.iterdir()]) == 1
