"""The web page: who is answered, what is given away, and what is taken."""

import http.client
import json
import os
import socket
import threading
import urllib.request
from urllib.parse import quote, urlsplit

import cv2
import httpx
import numpy as np
import pytest

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')
pytest.importorskip('gradio')

TASKS = ('pose', 'seg', 'depth', 'normal')


@pytest.fixture
def send(page):
    """Send a request as it is; its status and the start of what comes back."""
    place = urlsplit(page[1])

    def send(method, path, headers=(), body=None, host=place.netloc, **given):
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
        connection.putrequest(method, path, skip_host=True)
        for name, value in [('Host', host), *dict(headers).items()]:
            connection.putheader(name, value)
        if body is not None:
            size = given.get('size', len(body))
            connection.putheader('Content-Length', str(size))
        connection.endheaders(body)
        reply = connection.getresponse()
        text = reply.read(2000).decode(errors='replace')
        connection.close()
        return reply.status, text

    return send


@pytest.mark.parametrize(
    ('host', 'status'),
    [
        ('127.0.0.1', 200),
        ('LocalHost:1', 200),
        ('localhost.', 200),
        ('[::1]:7860', 200),
        ('evil.example', 403),
        ('127.0.0.1.evil.example', 403),
        ('127.0.0.1:80@evil.example', 403),
        ('evil.example:127.0.0.1', 403),
        ('10.0.0.1', 403),
        ('0.0.0.0', 403),
        ('', 403),
        ('[', 403),
    ],
)
def test_other_names_are_not_answered(send, host, status):
    for path in ('/', '/config', '/gradio_api/info'):
        found, text = send('GET', path, host=host)
        assert found == status
        if status == 403:
            assert 'does not answer to the name' in text and '--allowed-host' in text


@pytest.mark.parametrize(
    ('origin', 'is_own'),
    [
        ('{own}', True),
        ('https://evil.example', False),
        ('http://localhost:3000', False),  # another page of this machine
        ('null', False),
        ('', False),
    ],
)
def test_pages_of_other_sites_may_not_ask(page, send, origin, is_own):
    own = page[1].rstrip('/')
    headers = {'Origin': origin.format(own=own), 'Content-Type': 'application/json'}
    status, text = send('POST', '/gradio_api/queue/join', headers, b'{}')
    assert status == (422 if is_own else 403), text  # 422: there are no data in it
    assert send('GET', '/config', headers)[0] == (200 if is_own else 403)


def test_names_that_a_page_has(demo):
    from sapiens_mm.webui.guard import Guard, name_in, own_names, plain_names

    loopback = {'127.0.0.1', 'localhost', '::1'}
    assert own_names('127.0.0.1') == own_names('::1') == loopback
    assert own_names('192.0.2.7') == loopback | {'192.0.2.7'}
    assert socket.gethostname().lower() in own_names('0.0.0.0')
    assert name_in('[2001:db8::1]:80') == '2001:db8::1' and name_in('a:b:c') == ''

    def answers(headers, everywhere=True, proxies=()):
        lines = [(k.encode(), v.encode()) for k, v in headers]
        scope = dict(type='http', path='/', headers=lines, server=('192.0.2.7', 80))
        names = own_names('0.0.0.0' if everywhere else '127.0.0.1')
        guard = Guard(None, names, plain_names(proxies), everywhere, bool)
        from starlette.datastructures import Headers

        return guard._refuse(scope, Headers(scope=scope)) is None

    # the address that a request came to, where a page listens on all of them
    assert answers([('host', '192.0.2.7:80')])
    assert not answers([('host', '192.0.2.8')])
    assert not answers([('host', '192.0.2.7')], everywhere=False)
    assert not answers([]) and not answers([('host', 'localhost')] * 2)
    # a proxy: the name that it was asked for must be ours as well
    asked = [('host', 'localhost'), ('x-forwarded-host', 'people.example')]
    assert not answers(asked)
    for headers in ([('host', 'people.example')], asked):
        assert answers(headers, proxies=['People.Example'])
    origin = [('host', 'localhost'), ('origin', 'https://people.example')]
    assert answers(origin, proxies=['people.example']) and not answers(origin)


def test_only_files_of_the_page_are_given(page, send, photo, answer):
    last = answer(page[0], photo, task='depth')
    place, secret = page[0].place, page[0].place.temporary / 'secret'
    secret.write_text('secret')
    link = place.served / 'link.txt'
    link.symlink_to(secret)
    given = last.files[0]
    assert given.is_relative_to(place.results)
    assert len(given.parent.name) >= 32  # which nobody can guess
    assert send('GET', f'/gradio_api/file={quote(str(given))}')[0] == 200
    for path in (
        *(place.path, place.served, place.results, given.parent, secret, link),
        *('/etc/hostname', '../../../../etc/hostname', f'{given.parent}/../../..'),
        *('https://example.org/a', 'HTTP://example.org', '%68ttps://example.org'),
        *('//example.org/a', 'file:///etc/hostname'),
    ):
        status, text = send('GET', f'/gradio_api/file={path}')
        assert status == 403 and text != 'secret', path
    for path in (
        *('proxy=https://example.hf.space/', 'deep_link?session_hash=a', 'dev/reload'),
        *('stream/a', 'component_server', 'process_recording', 'vibe-code'),
    ):
        assert send('GET', f'/gradio_api/{path}')[0] == 403, path
    link.unlink()


@pytest.mark.parametrize(
    'given',
    [
        dict(path='https://example.org/a.jpg'),
        dict(path='/etc/hostname'),
        dict(path='{photo}'),  # of the server, but no upload
        dict(path='a.jpg', url='https://example.org/a.jpg'),
    ],
)
def test_images_are_uploads_only(page, photo, given, monkeypatch):
    """Past the client, which would upload the file of this path."""
    import safehttpx

    def went_out(*args, **kwargs):
        pytest.fail('asked another server')

    monkeypatch.setattr(safehttpx, 'async_validate_url', went_out)
    given = {key: value.format(photo=photo) for key, value in given.items()}
    given['meta'] = dict(_type='gradio.FileData')
    names = [page[0].menu.labels[task][0] for task in TASKS]
    data = [given, 'pose', 'whole', True, 0.3, 0.5, False, *names]
    call = f'{page[1]}gradio_api/call/run'
    headers = {'Content-Type': 'application/json'}
    body = json.dumps(dict(data=data)).encode()
    request = urllib.request.Request(call, body, headers)
    with urllib.request.urlopen(request, timeout=20) as reply:
        event = json.load(reply)['event_id']
    with urllib.request.urlopen(f'{call}/{event}', timeout=60) as reply:
        said = reply.read().decode()
    assert 'event: error' in said and 'event: complete' not in said
    if 'url' not in given and '://' in given['path']:
        assert 'This page takes files, no addresses.' in said


def upload(photo, boundary='--8d7a'):
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; '
        f'filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    )
    body = head.encode() + photo.read_bytes() + f'\r\n--{boundary}--\r\n'.encode()
    return {'Content-Type': f'multipart/form-data; boundary={boundary}'}, body


def test_uploads_are_limited(page, send, photo, monkeypatch):
    headers, body = upload(photo)
    status, text = send('POST', '/gradio_api/upload', headers, body)
    assert status == 200 and json.loads(text)[0].endswith('a.png')
    status, text = send('POST', '/gradio_api/upload', headers, body, size=200 << 20)
    assert status == 413 and text == 'That is too large: at most 100 MB are taken.'
    words = {'Content-Type': 'application/json'}
    big = b'{"data": "' + b'x' * (2 << 20) + b'"}'
    status, text = send('POST', '/gradio_api/queue/join', words, big)
    assert status == 413 and 'at most 1 MB' in text
    in_parts = httpx.post(  # without a length
        f'{page[1]}gradio_api/queue/join', content=iter([big] * 2), headers=words
    )
    assert in_parts.status_code == 413 and 'at most 1 MB' in in_parts.text
    monkeypatch.setattr(page[0].place, 'max_files', 0)
    status, text = send('POST', '/gradio_api/upload', headers, body)
    assert status == 507 and text.startswith('There is no room')


def test_what_is_no_image_is_told_at_the_upload(page, send, tmp_path):
    """As the browser asks, by the event of the change."""
    (tmp_path / 'script.jpg').write_text('%!PS-Adobe-3.0\n{} loop\n')
    (tmp_path / 'phone.heic').write_bytes(b'\0\0\0\x18ftypheic\0\0\0\0mif1heic')
    cv2.imwrite(str(tmp_path / 'good.png'), np.full((20, 30, 3), 127, np.uint8))
    config = httpx.get(f'{page[1]}config').json()
    components = {c['id']: c for c in config['components']}
    photo = next(i for i, c in components.items() if c['type'] == 'image')
    (change,) = (
        dep for dep in config['dependencies'] if dep['targets'] == [[photo, 'change']]
    )
    said = {}
    for path in sorted(tmp_path.iterdir()):
        with path.open('rb') as file:
            files = {'files': (path.name, file, 'image/jpeg')}
            (there,) = httpx.post(f'{page[1]}gradio_api/upload', files=files).json()
        data = dict(path=there, orig_name=path.name, meta={'_type': 'gradio.FileData'})
        body = dict(data=[data], fn_index=change['id'], session_hash=path.stem)
        httpx.post(f'{page[1]}gradio_api/queue/join', json=body).raise_for_status()
        url = f'{page[1]}gradio_api/queue/data?session_hash={path.stem}'
        with httpx.stream('GET', url, timeout=30) as lines:
            for line in lines.iter_lines():
                message = json.loads(line.removeprefix('data: ')) if line else {}
                if message.get('msg') == 'process_completed':
                    said[path.name] = message['output']['data'][0]
                    break
    assert 'data-state="idle"' in said['good.png']
    assert 'script.jpg is not an image but a PostScript document.' in said['script.jpg']
    assert 'data-state="failed"' in said['script.jpg']
    assert 'phone.heic is a' in said['phone.heic']


def test_the_folder_has_limits(demo, tmp_path):
    from sapiens_mm.webui.folder import YOUNG_S, Folder

    folder = Folder(tmp_path, max_bytes=25, max_files=4)
    own = folder.served / 'own.css'
    own.write_bytes(b'x' * 100)
    folder.keep_these()
    files = [folder.served / str(n) / 'a.npy' for n in range(4)]
    for age, path in enumerate(reversed(files), 1):
        path.parent.mkdir()
        path.write_bytes(b'x' * 10)
        os.utime(path, (path.stat().st_mtime - age * YOUNG_S * 1.5,) * 2)
    assert folder.has_room(3600)  # the two oldest went
    assert [path.exists() for path in files] == [False, False, True, True]
    young = [folder.served / f'{n}.png' for n in range(3)]
    for path in young:
        path.write_bytes(b'x' * 10)
    assert not folder.has_room(3600)  # those are in use
    assert all(path.exists() for path in young) and not files[2].exists()
    assert own.exists() and folder.results.is_dir() and folder.temporary.is_dir()
    # two visitors at once are no error
    threads = [threading.Thread(target=folder.sweep, args=(-1,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(path.exists() for path in young) and own.exists()
