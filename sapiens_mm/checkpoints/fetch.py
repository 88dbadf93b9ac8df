"""Download one file: from the Hugging Face hub or a plain https address."""

from __future__ import annotations

import functools
import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from filelock import FileLock
from torch.hub import tqdm

from sapiens_mm.checkpoints.errors import CheckpointError

_CHUNK = 1 << 20
_TIMEOUT_S = 30


def checkpoint_folders() -> list[Path]:
    """Return the folders that are searched before anything is downloaded.

    ``$SAPIENS_MM_CHECKPOINTS`` if set, else ``~/.cache/sapiens_mm/checkpoints``,
    then ``./checkpoints``. Downloads by https go to the first.
    """
    first = os.environ.get('SAPIENS_MM_CHECKPOINTS')
    cache = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    folder = Path(first or f'{cache}/sapiens_mm/checkpoints')
    return [folder.expanduser(), Path('checkpoints')]


def is_offline() -> bool:
    """Tell whether the user asked for no network (``HF_HUB_OFFLINE=1``)."""
    return os.environ.get('HF_HUB_OFFLINE', '').upper() in ('1', 'ON', 'YES', 'TRUE')


def url_place(url: str) -> str:
    """Return where a file of this address lies below a checkpoint folder.

    Raises:
        CheckpointError: If the address names no file.
    """
    parts = urllib.parse.urlparse(url)
    path = urllib.parse.unquote(parts.path).strip('/')
    if not parts.netloc or not path or '..' in path.split('/'):
        raise CheckpointError(f'{url} is not the address of a file.')
    return f'{parts.netloc.replace(":", "_")}/{path}'


@functools.cache
def announce(filename: str, licence: str) -> None:
    """Print, once a process, the line that says under which licence a file comes."""
    print(f'Downloading {filename}, licence: {licence}', file=sys.stderr, flush=True)


def downloaded(source: str) -> Path | None:
    """Return where an earlier download of an address is, None for none.

    Args:
        source: ``hf://org/repo/path/file`` of the main branch, or ``https://``.
    """
    if not source.startswith('hf://'):
        path = checkpoint_folders()[0] / url_place(source)
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache

    org, repo, path = source.removeprefix('hf://').split('/', 2)
    cached = try_to_load_from_cache(f'{org}/{repo}', path)
    return Path(cached) if isinstance(cached, str) else None


def _unreachable(url: str, reason: str, place: str) -> CheckpointError:
    places = ' or '.join(str(folder / place) for folder in checkpoint_folders())
    return CheckpointError(
        f'Cannot download {url.rpartition("/")[2]} ({reason}): fetch {url} and put it '
        f'at {places}.'
    )


def from_hub(
    repo: str, path: str, revision: str | None, licence: str, place: str
) -> Path:
    """Fetch a file of a hub repository into the hub's own cache, with progress.

    Args:
        repo: ``org/name``.
        path: The file, within the repository.
        revision: Branch, tag or commit; the main branch where None.
        licence: For the line that is printed.
        place: Below a checkpoint folder, where a file fetched by hand is found.

    Raises:
        CheckpointError: If access is refused or the network is.
        FileNotFoundError: If the hub answers that there is no such file.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub import utils as hub

    url = f'https://huggingface.co/{repo}/resolve/{revision or "main"}/{path}'
    try:
        cached = hf_hub_download(repo, path, revision=revision, local_files_only=True)
        return Path(cached)
    except hub.LocalEntryNotFoundError:
        announce(path.rpartition('/')[2], licence)
    except hub.HFValidationError as error:
        raise CheckpointError(f'{repo} is no name of a hub repository.') from error
    try:
        return Path(hf_hub_download(repo, path, revision=revision))
    except hub.GatedRepoError as error:
        raise CheckpointError(
            f'Access to {repo} must be asked for: open https://huggingface.co/{repo}, '
            "accept its terms, run 'hf auth login' and try again."
        ) from error
    except hub.LocalEntryNotFoundError as error:
        reason = 'HF_HUB_OFFLINE is set' if is_offline() else 'no connection'
        raise _unreachable(url, reason, place) from error
    except (
        hub.EntryNotFoundError,
        hub.RepositoryNotFoundError,
        hub.RevisionNotFoundError,
    ) as error:
        raise FileNotFoundError(f'There is no file {url}') from error
    except Exception as error:  # requests' or httpx's own, by the hub's version
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip('.')
        raise _unreachable(url, reason, place) from error


def from_url(
    url: str, licence: str, place: str | None = None, sha256: str | None = None
) -> Path:
    """Fetch a file by http(s), with progress; a broken download is resumed.

    It goes to the first checkpoint folder, under :func:`url_place`.

    Args:
        url: Address of the file.
        licence: For the line that is printed.
        place: As in :func:`from_hub`; that of the download where None.
        sha256: Hexadecimal digest it must have, or None.

    Raises:
        CheckpointError: If it cannot be fetched, or what came is not all of it.
        FileNotFoundError: If the server has no such file.
    """
    target = checkpoint_folders()[0] / url_place(url)
    if target.is_file():
        return target
    place = place or url_place(url)
    announce(target.name, licence)
    if is_offline():
        raise _unreachable(url, 'HF_HUB_OFFLINE is set', place)
    partial = target.with_name(f'{target.name}.part')
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f'{target}.lock'):  # all ranks of a job ask at once
            if not target.is_file():
                _download(url, partial)
                _require_digest(url, partial, sha256)
                os.replace(partial, target)
    except CheckpointError:
        raise
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            raise FileNotFoundError(f'There is no file {url}') from error
        raise _unreachable(url, f'the server says {error.code}', place) from error
    except (http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, 'reason', None) or error
        raise _unreachable(url, f'{reason}; run again to resume', place) from error
    return target


def _download(url: str, partial: Path) -> None:
    """Append to ``partial`` what it lacks; raise OSError if the end is missing."""
    have = partial.stat().st_size if partial.exists() else 0
    # identity: a compressed stream has another length, and cannot be resumed
    headers = {'User-Agent': 'sapiens_mm', 'Accept-Encoding': 'identity'}
    if have:
        headers['Range'] = f'bytes={have}-'
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:  # 416: what is here is no start of it
            raise
        partial.unlink()
        return _download(url, partial)
    with response:
        if response.status != 206:
            have = 0  # no resuming here: from the start
        length = response.headers.get('Content-Length')
        total = have + int(length) if length is not None else None
        bar = tqdm(total=total, initial=have, unit='B', unit_scale=True)
        with partial.open('ab' if have else 'wb') as file, bar:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    # read(size) of http.client takes a broken connection for the end
    size = partial.stat().st_size
    if total is not None and size != total:
        raise OSError(f'the connection broke after {size} of {total} bytes')
    return None


def _require_digest(url: str, path: Path, sha256: str | None) -> None:
    if sha256 is None:
        return
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != sha256:
        path.unlink()
        raise CheckpointError(
            f'{url} came with SHA-256 {digest.hexdigest()} and not {sha256}, so it '
            'was deleted.'
        )
