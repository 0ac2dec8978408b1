"""Downloads that go on where they broke off, and files that are what their hosts say they are.

All that is fetched here comes this way: from GitHub, Google Drive, OpenMMLab's model zoo, and the
Hugging Face Hub, whose own client fetches from itself alone.
"""

import fcntl
import functools
import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO

from tqdm import tqdm

from .errors import UserError

_CHUNK = 1 << 20
_TIMEOUT_S = 30.0
_PATIENCE_S = 5.0  # where a host may well be out of reach
_NUM_TRIES = 3
_PAUSE_S = 0.5
_AGENT = 'Mozilla/5.0 (dida)'  # some hosts refuse Python's own name
_NETWORK_ERRORS = (OSError, http.client.HTTPException)


class DownloadError(UserError):
    """A file that cannot be had from a host, or is not what was published."""


@dataclass(frozen=True)
class Expected:
    """What is known of a file before it is there.

    Attributes:
        size: Bytes, None where nobody published them.
        sha256: Hash, 64 hexadecimal digits or the first of them that were published, None where
            nobody published it.
    """

    size: int | None = None
    sha256: str | None = None

    def problem(self, path: Path) -> str | None:
        """Say how a file differs from this, None where it does not."""
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            return f'expected {self.size} bytes, got {size}'
        if self.sha256 is not None and not (found := sha256_of(path)).startswith(self.sha256):
            return f'expected SHA-256 {self.sha256}, got {found}'
        return None


def download(url: str, path: str | Path, expected: Expected | None = None) -> Expected:
    """Fetch a file; a partial one stays as `<name>.part` and is gone on with the next time.

    Args:
        url: An http(s) address.
        path: Where the file is to stand; it appears there whole or not at all.
        expected: What was published of the file. Size and hash that the host itself states (as
            Hugging Face does) are checked too.

    Returns:
        What the file was checked against.

    Raises:
        DownloadError: The host does not hand the file out, or it is not what was published.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    expected = expected or Expected()
    part = _PartialFile(path)
    known = None
    for tries_left in reversed(range(_NUM_TRIES)):
        try:
            known = _fetch_rest(url, part, expected)
            break
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise DownloadError(f'{url} answers {error.code} {error.reason}') from error
            part.remove()  # it is longer than the file, or whole: its last check was cut short
        except _NETWORK_ERRORS as error:
            if not tries_left:
                reason = str(getattr(error, 'reason', None) or error) or type(error).__name__
                raise DownloadError(f'{url}: {reason}{part.outlook()}') from error
            time.sleep(_PAUSE_S)
    if known is None:
        raise DownloadError(f'{url} has no bytes to go on with; try again')
    problem = known.problem(part.path)
    if problem is not None:
        part.remove()
        raise DownloadError(f'{url} is not the file that was published: {problem}')
    part.finish()
    return known


def downloaded(url: str, path: Path, expected: Expected | None = None) -> Path:
    """Return a file that is there, or fetch it; of several processes at once one fetches.

    Args:
        url: An http(s) address.
        path: Where the file is to stand.
        expected: As for `download`.

    Returns:
        `path`.

    Raises:
        DownloadError: As `download`.
    """
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f'.{path.name}.lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        if not path.is_file():
            download(url, path, expected)
    return path


@functools.cache
def is_reachable(address: str) -> bool:
    """Say within seconds whether an address answers; asked once in a process."""
    try:
        request = urllib.request.Request(address, method='HEAD', headers={'User-Agent': _AGENT})
        with urllib.request.urlopen(request, timeout=_PATIENCE_S):
            return True
    except OSError:
        return False


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class _PartialFile:
    """What has come of a file so far, and by what mark its host knows this version of it."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f'{target.name}.part')
        self._mark = target.with_name(f'{target.name}.part.etag')

    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def range_headers(self) -> dict[str, str]:
        """Ask for the rest only, and only of the same version of the file."""
        if not self.size() or not self._mark.is_file():
            return {}
        return {'Range': f'bytes={self.size()}-', 'If-Range': self._mark.read_text()}

    def open(self, headers: Message, goes_on: bool) -> IO[bytes]:
        mark = headers.get('ETag') or headers.get('Last-Modified')
        if mark is None or mark.startswith('W/'):
            self._mark.unlink(missing_ok=True)
        else:
            self._mark.write_text(mark)
        return self.path.open('ab' if goes_on else 'wb')

    def outlook(self) -> str:
        """Say what the next attempt will start from."""
        if not self.range_headers():
            return ''
        return f' ({self.size()} bytes are there; the same command goes on from them)'

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)

    def finish(self) -> None:
        self.path.replace(self.target)
        self._mark.unlink(missing_ok=True)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects, keeping what the first host says of a file that another one stores."""

    def __init__(self) -> None:
        self.linked = Expected()

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message
    ) -> object:
        if 'X-Linked-Size' in headers:
            # Hugging Face: for large files the ETag is the SHA-256.
            etag = headers.get('X-Linked-ETag', '').strip('"')
            sha256 = etag if re.fullmatch(r'[0-9a-f]{64}', etag) else None
            self.linked = Expected(int(headers['X-Linked-Size']), sha256)
        return super().http_error_302(req, fp, code, msg, headers)  # type: ignore[arg-type]

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _fetch_rest(url: str, part: _PartialFile, expected: Expected) -> Expected:
    """Append what is missing to the partial file; return what the whole must be."""
    redirects = _Redirects()
    opener = urllib.request.build_opener(redirects)
    request = urllib.request.Request(url, headers={'User-Agent': _AGENT, **part.range_headers()})
    with opener.open(request, timeout=_TIMEOUT_S) as response:
        if response.headers.get_content_type() == 'text/html':
            raise DownloadError(
                f'{url} sends a web page in place of the file (a used-up quota, a sign-in or a '
                'link that moved)'
            )
        goes_on = response.status == http.HTTPStatus.PARTIAL_CONTENT
        total = _total_size(response.headers, goes_on)
        known = Expected(
            expected.size or redirects.linked.size or total,
            expected.sha256 or redirects.linked.sha256,
        )
        done = part.size() if goes_on else 0
        with (
            part.open(response.headers, goes_on) as file,
            tqdm(
                total=known.size,
                initial=done,
                desc=part.target.name,
                unit='B',
                unit_scale=True,
                ncols=100,
                disable=None,  # where nobody watches
            ) as bar,
        ):
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if total is not None and part.size() < total:
        raise ConnectionError(f'the connection broke off after {part.size()} of {total} bytes')
    return known


def _total_size(headers: Message, is_part: bool) -> int | None:
    """Return the bytes of the whole file, as the host states them."""
    if is_part:
        match = re.fullmatch(r'bytes \d+-\d+/(\d+)', headers.get('Content-Range', ''))
        return int(match[1]) if match else None
    length = headers.get('Content-Length')
    return None if length is None else int(length)
