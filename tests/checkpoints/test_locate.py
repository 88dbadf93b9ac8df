"""Names become files: local, from a server on this machine, from a fake hub."""

import functools
import hashlib
import http.server
import re
import threading
from pathlib import Path

import pytest

from sapiens_mm.checkpoints import (
    CheckpointError,
    fetch,
    find_released,
    released_files,
    resolve,
    zoo,
)

NAME = 'sapiens_0.3b_coco_best_coco_AP_796'
CONTENT = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    fetch.announce.cache_clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('SAPIENS_MM_CHECKPOINTS', str(tmp_path / 'store'))
    monkeypatch.delenv('HF_HUB_OFFLINE', raising=False)
    return tmp_path / 'store'


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; the path says how."""

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers.get('Range')))
        if 'missing' in self.path or 'denied' in self.path:
            self.send_error(404 if 'missing' in self.path else 403)
            return
        start = int(re.findall(r'\d+', self.headers.get('Range', '0'))[0])
        if 'noresume' in self.path:
            start = 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header('Content-Length', str(len(CONTENT) - start))
        self.end_headers()
        body = CONTENT[start:]
        if 'breaks' in self.path and len(server.requests) == 1:
            body = body[:4000]
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.url = f'http://127.0.0.1:{server.server_port}'
    yield server
    server.shutdown()
    server.server_close()


# local


def test_local_paths_pass_through(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    path.touch()
    assert resolve(str(path)) == resolve(path) == path
    assert resolve('a.pth') == Path('a.pth')
    assert resolve(tmp_path / 'none.pth') == tmp_path / 'none.pth'
    monkeypatch.setenv('HOME', str(tmp_path))
    assert resolve('~/a.pth') == path


def test_unknown_names():
    with pytest.raises(CheckpointError, match='There is no checkpoint nothing.pth'):
        resolve('nothing.pth')
    with pytest.raises(CheckpointError, match=f'did you mean .*{NAME}'):
        resolve(NAME[:-1])
    with pytest.raises(CheckpointError, match=f'give its name alone: {NAME}'):
        resolve(f'some/folder/{NAME}.pth')


@pytest.mark.parametrize('place', ['', 'sapiens_host/pose/checkpoints/sapiens_0.3b/'])
@pytest.mark.parametrize('folder', ['store', 'checkpoints'])
@pytest.mark.parametrize(
    'spelling', [NAME, f'{NAME}.pth', 'pose/sapiens_0.3b_coco17-1024x768:official']
)
def test_folders_are_searched_first(tmp_path, place, folder, spelling):
    path = tmp_path / folder / place / f'{NAME}.pth'
    path.parent.mkdir(parents=True)
    path.touch()
    assert resolve(spelling).resolve() == path
    hub = f'hf://noahcao/sapiens-pose-coco/sapiens_host/pose/checkpoints/sapiens_0.3b/{NAME}.pth'
    assert resolve(hub).resolve() == path


# https


def test_download_once(server, folders, capsys):
    url = f'{server.url}/weights/a%20b.pth'
    path = resolve(url)
    assert path == folders / server.url[7:].replace(':', '_') / 'weights/a b.pth'
    assert path.read_bytes() == CONTENT
    assert resolve(url) == path
    assert len(server.requests) == 1
    assert capsys.readouterr().err.count('Downloading a b.pth, licence: not known') == 1
    assert not list(folders.rglob('*.part'))


@pytest.mark.parametrize('name', ['breaks.pth', 'breaks_noresume.pth'])
def test_broken_download_is_resumed(server, folders, name):
    url = f'{server.url}/{name}'
    with pytest.raises(CheckpointError, match='run again to resume'):
        resolve(url)
    assert not list(folders.rglob(name))
    assert resolve(url).read_bytes() == CONTENT
    assert server.requests[1] == (f'/{name}', 'bytes=4000-')


def test_too_long_a_start_is_dropped(server, folders):
    target = folders / fetch.url_place(f'{server.url}/a.pth')
    target.parent.mkdir(parents=True)
    target.with_name('a.pth.part').write_bytes(bytes(20_000))
    assert resolve(f'{server.url}/a.pth').read_bytes() == CONTENT


def test_digest(server, folders):
    good = hashlib.sha256(CONTENT).hexdigest()
    get = functools.partial(fetch.from_url, licence='test')
    assert get(f'{server.url}/a.pth', sha256=good).read_bytes() == CONTENT
    with pytest.raises(CheckpointError, match=f'SHA-256 {good} and not 00, so it was'):
        get(f'{server.url}/b.pth', sha256='00')
    assert not list(folders.rglob('b.pth*.part')) and not list(folders.rglob('b.pth'))


@pytest.mark.parametrize(
    'path, match', [('missing.pth', 'no file http'), ('denied.pth', 'server says 403')]
)
def test_server_refuses(server, path, match):
    with pytest.raises(CheckpointError, match=match):
        resolve(f'{server.url}/{path}')


@pytest.mark.parametrize('url', ['https://', 'https://host', 'https://h/a/../b.pth'])
def test_addresses_of_no_file(url):
    with pytest.raises(CheckpointError, match='not the address of a file'):
        resolve(url)


def test_no_connection_says_what_to_do(folders):
    url = 'http://127.0.0.1:9/weights/a.pth'
    with pytest.raises(CheckpointError) as caught:
        resolve(url)
    text = str(caught.value)
    assert f'fetch {url} and put it at {folders}/127.0.0.1_9/weights/a.pth' in text
    assert '\n' not in text and text.endswith('a.pth.')


def test_offline_is_respected(server, monkeypatch, folders):
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    with pytest.raises(CheckpointError, match='HF_HUB_OFFLINE is set'):
        resolve(f'{server.url}/a.pth')
    assert server.requests == []
    by_hand = folders / fetch.url_place(f'{server.url}/a.pth')
    by_hand.parent.mkdir(parents=True)
    by_hand.touch()
    assert resolve(f'{server.url}/a.pth') == by_hand


# the hub


class FakeHub:
    """Stands for ``hf_hub_download`` with files in a folder."""

    def __init__(self, folder):
        self.folder, self.calls, self.cached, self.error = folder, [], set(), None

    def add(self, repo, path):
        file = self.folder / repo / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(CONTENT)
        return file

    def __call__(self, repo, path, *, revision=None, local_files_only=False):
        from huggingface_hub import utils

        self.calls.append((repo, path, revision, local_files_only))
        if local_files_only and (repo, path) not in self.cached:
            raise utils.LocalEntryNotFoundError('not in the cache')
        if not local_files_only and self.error is not None:
            raise self.error
        if not (self.folder / repo / path).is_file():
            raise utils.EntryNotFoundError(f'404: {path}')
        self.cached.add((repo, path))
        return str(self.folder / repo / path)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    huggingface_hub = pytest.importorskip('huggingface_hub')
    fake = FakeHub(tmp_path / 'hub')
    monkeypatch.setattr(huggingface_hub, 'hf_hub_download', fake)
    return fake


@pytest.mark.parametrize('revision', [None, 'v1'])
def test_hub_address(hub, revision, capsys):
    file = hub.add('org/repo', 'folder/a.pth')
    url = 'hf://org/repo/folder/a.pth' + (f'@{revision}' if revision else '')
    assert resolve(url) == resolve(url) == file
    asked = [call for call in hub.calls if not call[3]]
    assert asked == [('org/repo', 'folder/a.pth', revision, False)]
    assert capsys.readouterr().err.count('licence') == 1


def test_released_name_comes_with_its_licence(hub, capsys):
    path = f'sapiens_host/pose/checkpoints/sapiens_0.3b/{NAME}.pth'
    file = hub.add('noahcao/sapiens-pose-coco', path)
    assert resolve(NAME) == resolve(f'{NAME}.pth') == file
    line = f'Downloading {NAME}.pth, licence: CC-BY-NC-4.0 (no commercial use)\n'
    assert capsys.readouterr().err == line


def test_second_place_is_asked_where_the_first_has_nothing(hub):
    released = find_released('sapiens_1b_render_people_epoch_88')
    assert released.sources[0] == (
        'hf://facebook/sapiens-depth-1b/sapiens_1b_render_people_epoch_88.pth'
    )
    repo, path = 'facebook/sapiens', released.sources[1].split('/', 4)[4]
    file = hub.add(repo, path)
    assert resolve(released.name) == file
    with pytest.raises(CheckpointError, match='There is no file https://huggingface'):
        resolve('sapiens_2b_render_people_epoch_25')


def test_hub_errors_are_one_sentence(hub, folders, monkeypatch):
    from huggingface_hub import utils

    hub.error = utils.LocalEntryNotFoundError('cannot find it, check\nyour connection')
    with pytest.raises(CheckpointError) as caught:
        resolve(NAME)
    text = str(caught.value)
    assert '\n' not in text and '(no connection): fetch https://huggingface.co/' in text
    assert f'put it at {folders}/{NAME}.pth or checkpoints/{NAME}.pth.' in text
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    with pytest.raises(CheckpointError, match='HF_HUB_OFFLINE is set'):
        resolve(NAME)
    hub.error = TimeoutError('timed out\nafter 10 s')
    with pytest.raises(CheckpointError, match=r'\(timed out\): fetch'):
        resolve(NAME)


def test_gated_repository(hub):
    from huggingface_hub import utils

    hub.error = utils.GatedRepoError.__new__(utils.GatedRepoError)
    with pytest.raises(CheckpointError, match="accept its terms, run 'hf auth login'"):
        resolve(NAME)


@pytest.mark.parametrize('url', ['hf://', 'hf://org', 'hf://org/repo', 'hf://o/r/'])
def test_hub_addresses_of_no_file(url):
    with pytest.raises(CheckpointError, match='expected hf://org/repo/path/file'):
        resolve(url)


# the list of released files


def test_every_file_of_the_release():
    files = released_files()
    originals = [f for f in files if f.format == 'pth' and f.task != 'det']
    counts = {(f.task, f.dataset): 0 for f in originals}
    for file in originals:
        counts[file.task, file.dataset] += 1
    assert counts == {
        ('pretrain', 'humans'): 4,
        ('pose', 'coco17'): 4,
        ('pose', 'wholebody133'): 4,
        ('pose', 'goliath308'): 3,
        ('seg', 'goliath28'): 3,
        ('depth', 'render_people'): 4,
        ('normal', 'render_people'): 4,
    }
    assert len({f.name for f in files}) == len(files)
    for file in files:
        expected = 'Apache-2.0' if file.task == 'det' else zoo.CC_BY_NC
        assert file.licence == expected and file.sha256 is None
        assert file.filename.startswith(file.name)
        assert all(place.endswith(f'/{file.filename}') for place in file.sources)


@pytest.mark.parametrize(
    'name, gigabytes',
    [
        (NAME, 1.318),
        ('sapiens_2b_coco_best_coco_AP_822', 8.665),
        ('sapiens_1b_goliath_best_goliath_AP_639_bfloat16', 2.34),
        ('sapiens_1b_goliath_best_goliath_mIoU_7994_epoch_151', 4.715),
        ('sapiens_2b_render_people_epoch_25', 8.604),
        ('sapiens_0.3b_normal_render_people_epoch_66_bfloat16', 0.682),
        ('sapiens_0.3b_epoch_1600_clean', 307_295_232 * 4 / 1e9),
    ],
)
def test_sizes_are_good_to_two_per_cent(name, gigabytes):
    assert find_released(name).num_bytes / 1e9 == pytest.approx(gigabytes, rel=0.02)


@pytest.mark.parametrize(
    'name, metric, config',
    [
        (NAME, 'AP 79.6', 'pose/sapiens_0.3b_coco17-1024x768'),
        (
            'sapiens_1b_goliath_best_goliath_mIoU_7994_epoch_151.pth',
            'mIoU 79.94',
            'seg/sapiens_1b_goliath28-1024x768',
        ),
        ('sapiens_1b_epoch_173', '', 'mae/sapiens_1b_humans-1024x1024'),
        ('sapiens_1b_epoch_173_clean.pth', '', 'mae/sapiens_1b_humans-1024x1024'),
        (
            'rtmdet_m_8xb32-100e_coco-obj365-person-235e8209',
            '',
            'det/rtmdet_m_person-640x640',
        ),
    ],
)
def test_find(name, metric, config):
    found = find_released(name)
    assert (found.metric, found.config) == (metric, config)
    by_config = find_released(f'{config}:official')
    assert by_config == found and by_config.format == 'pth'


@pytest.mark.parametrize('size', ['0.3b', '0.6b', '1b', '2b'])
def test_an_encoder_has_a_short_name(size):
    found = find_released(f'sapiens_{size}')
    assert (found.task, found.size, found.format) == ('pretrain', size, 'pth')
    assert found == find_released(found.name)
    assert find_released(f'sapiens_{size}.pth') is None  # a file of the user's


def test_short_names_are_of_one_file_each():
    files = released_files()
    short = [file.short_name for file in files if file.short_name]
    assert len(set(short)) == len(short) == 4
    assert not set(short) & {file.name for file in files}


def test_a_short_name_is_found_by_file_and_not_by_folder(
    folders, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'sapiens_1b').mkdir()
    file = folders / 'sapiens_1b_epoch_173_clean.pth'
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b'weights')
    assert resolve('sapiens_1b') == resolve('sapiens_1b_epoch_173') == file
    # an own file of that name goes first, and a path is taken at its word
    assert resolve(tmp_path / 'sapiens_1b') == tmp_path / 'sapiens_1b'
    (tmp_path / 'sapiens_1b').rmdir()
    (tmp_path / 'sapiens_1b').write_bytes(b'own')
    assert resolve('sapiens_1b').read_bytes() == b'own'


def test_a_misspelt_short_name_is_answered_with_near_ones():
    with pytest.raises(CheckpointError, match='did you mean .*sapiens_1b'):
        resolve('sapiens_1')


def test_find_nothing():
    assert find_released('pose/sapiens_2b_goliath308-1024x768:official') is None
    assert find_released('sapiens_9b') is None
    assert find_released(':official') is None
