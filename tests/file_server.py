"""A file host on this machine, with the habits that hosts of weights have."""

import contextlib
import hashlib
import http.server
import re
import threading
from collections.abc import Iterator


class FileServer(http.server.ThreadingHTTPServer):
    """Hands out `files` by path; what else is set up makes it fail in a way of real hosts.

    Attributes:
        files: Path → content.
        break_after: Path → bytes after which the connection drops, once.
        web_pages: Paths that answer with a web page in place of the file.
        linked: Paths that are redirected, size and hash stated on the way, as Hugging Face does.
        deaf_to_ranges: Whether it always sends whole files.
        requests: What was asked: (path, Range header or None).
    """

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.break_after: dict[str, int] = {}
        self.web_pages: set[str] = set()
        self.linked: dict[str, dict[str, str]] = {}
        self.deaf_to_ranges = False
        self.requests: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f'http://127.0.0.1:{self.server_port}{path}'


@contextlib.contextmanager
def file_server() -> Iterator[FileServer]:
    """Run a server for the length of a block."""
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FileServer

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer."""
        server = self.server
        server.requests.append((self.path, self.headers.get('Range')))
        if self.path in server.linked:
            self._head(302, {'Location': f'/stored{self.path}', **server.linked[self.path]})
            return
        content = server.files.get(self.path.removeprefix('/stored'))
        if self.path in server.web_pages:
            self._head(200, {'Content-Type': 'text/html; charset=utf-8'})
            self.wfile.write(b'<html>Quota exceeded</html>')
        elif content is None:
            self.send_error(404)
        else:
            self._send(content)

    def _send(self, content: bytes) -> None:
        mark = f'"{hashlib.md5(content).hexdigest()}"'
        start = self._start(mark)
        if start >= len(content):
            self.send_error(416)
            return
        headers = {'Content-Length': str(len(content) - start), 'ETag': mark}
        if start:
            headers['Content-Range'] = f'bytes {start}-{len(content) - 1}/{len(content)}'
        self._head(206 if start else 200, headers)
        stop = self.server.break_after.pop(self.path, len(content))
        self.wfile.write(content[start:stop])

    def _start(self, mark: str) -> int:
        match = re.fullmatch(r'bytes=(\d+)-', self.headers.get('Range', ''))
        if match is None or self.server.deaf_to_ranges:
            return 0
        return int(match[1]) if self.headers.get('If-Range', mark) == mark else 0

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
