"""The page on 127.0.0.1: nobody else on the network reaches it, and only its own files are given.

The headers that wasm threads need go with every answer (`ISOLATION`), and a policy that keeps the
page from speaking to any other place.
"""

import errno
import hashlib
import logging
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from featherdepth.app.site import ISOLATION, Site, SiteFile, content_type
from featherdepth.errors import UsageError

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
NAMES = {HOST, "localhost"}
"""What the address line may call this machine. Another site's name that was made to lead here
(DNS rebinding) is refused."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:;"
    " connect-src 'self'; img-src 'self' blob: data:; style-src 'self'; media-src 'self' blob:;"
    " manifest-src 'self'; base-uri 'none'; form-action 'none'"
)
LAST_PORT = 65535
FOREVER = "public, max-age=31536000, immutable"


class PageServer(ThreadingHTTPServer):
    """Serves a site until it is closed."""

    daemon_threads = True

    def __init__(self, site: Site, port: int) -> None:
        """Listen on a port; 0 takes any that is free.

        Raises:
            UsageError: the port is taken, or not allowed.
        """
        self.site = site
        self.tags = {path: _tag(file) for path, file in site.items()}
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            taken = getattr(error, "errno", None) == errno.EADDRINUSE
            reason = "is taken" if taken else getattr(error, "strerror", None) or "is out of range"
            near = f"--port {port + 1}, or " if taken and port < LAST_PORT else ""
            raise UsageError(
                f"port {port} {reason}; expected a free one: {near}0 for any"
            ) from error

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}/"


def _tag(file: SiteFile) -> str:
    return f'"{hashlib.sha256(file.stored()).hexdigest()[:16]}"'


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.0"  # a connection an answer: none outlives the server
    server_version = "featherdepth"
    sys_version = ""
    timeout: ClassVar[float] = 60.0  # of a silent connection

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called
        logger.info(format, *args)

    def _answer(self, *, with_body: bool) -> None:
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        if host not in NAMES:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, with_body)
            return
        # Names are looked up in a table: a path that climbs (../) is simply not there.
        try:
            path = unquote(urlsplit(self.path).path).removeprefix("/") or "index.html"
        except ValueError:  # no address at all, such as http://[bad/
            self._refuse(HTTPStatus.BAD_REQUEST, with_body)
            return
        file = self.server.site.get(path)
        if file is None:
            self._refuse(HTTPStatus.NOT_FOUND, with_body)
            return
        tag = self.server.tags[path]
        if self.headers.get("If-None-Match") == tag:
            self._head(HTTPStatus.NOT_MODIFIED, path, file, tag)
            self.end_headers()
            return
        packed = file.packed and "gzip" in (self.headers.get("Accept-Encoding") or "")
        body = file.stored() if packed else file.plain()
        self._head(HTTPStatus.OK, path, file, tag)
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self._send(body)

    def _head(self, status: HTTPStatus, path: str, file: SiteFile, tag: str) -> None:
        self.send_response(status)
        self._always()
        self.send_header("Content-Type", content_type(path))
        self.send_header("Cache-Control", FOREVER if file.lasting else "no-cache")
        self.send_header("ETag", tag)
        if file.packed:
            self.send_header("Vary", "Accept-Encoding")

    def _refuse(self, status: HTTPStatus, with_body: bool) -> None:
        body = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        self._always()
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self._send(body)

    def _always(self) -> None:
        for name, value in ISOLATION.items():
            self.send_header(name, value)
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")

    def _send(self, body: bytes) -> None:
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):  # the reader has left
            self.close_connection = True
