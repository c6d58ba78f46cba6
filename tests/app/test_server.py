"""The server gives the page's files and nothing else, on this machine alone."""

import http.client
import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from featherdepth.app.server import PageServer
from featherdepth.app.site import Site
from featherdepth.errors import UsageError


@pytest.fixture
def server(site: Site) -> Iterator[PageServer]:
    with PageServer(site, 0) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def ask(
    server: PageServer, path: str, *, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def test_every_file_comes_with_what_threads_need(server: PageServer, site: Site) -> None:
    for path in ["", *site]:
        status, headers, body = ask(server, f"/{path}")
        assert status == 200
        assert body == site[path or "index.html"].plain()
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        (".mjs", "text/javascript; charset=utf-8"),
        (".wasm", "application/wasm"),
        ("style.css", "text/css; charset=utf-8"),
        (".onnx", "application/octet-stream"),
    ],
)
def test_types_are_those_that_browsers_insist_on(
    server: PageServer, site: Site, ending: str, kind: str
) -> None:
    path = next(path for path in site if path.endswith(ending))

    assert ask(server, f"/{path}")[1]["Content-Type"] == kind


def test_packed_files_go_packed_to_those_who_take_it(server: PageServer, site: Site) -> None:
    path = next(path for path in site if path.endswith(".wasm"))

    _, headers, body = ask(server, f"/{path}", Accept_Encoding="gzip, br")

    assert headers["Content-Encoding"] == "gzip" and body == site[path].stored()
    assert "Content-Encoding" not in ask(server, f"/{path}")[1]
    assert headers["Vary"] == "Accept-Encoding"


def test_what_lasts_is_kept_and_the_page_is_asked_for_anew(server: PageServer, site: Site) -> None:
    for path, file in site.items():
        _, headers, _ = ask(server, f"/{path}")
        assert ("immutable" in headers["Cache-Control"]) == file.lasting
        assert headers["Cache-Control"] == "no-cache" or file.lasting

    tag = ask(server, "/app.js")[1]["ETag"]
    status, _, body = ask(server, "/app.js", If_None_Match=tag)
    assert (status, body) == (304, b"")
    assert ask(server, "/app.js", If_None_Match='"another"')[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/%2e%2e/pyproject.toml",
        "//etc/passwd",
        "/etc/passwd",
        "/..\\server.py",
        "/page/app.js",
        "/app.js/",
        "/app.js%00.html",
        "/engine.toml",
    ],
)
def test_nothing_else_is_given(server: PageServer, path: str) -> None:
    status, headers, body = ask(server, path)

    assert status == 404
    assert body == b"404 Not Found\n"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_what_is_no_address_is_refused_in_one_line(
    server: PageServer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "featherdepth")  # another test's log may be closed
    status, _, body = ask(server, "http://[bad/", Host="127.0.0.1")

    assert (status, body) == (400, b"400 Bad Request\n")
    assert capsys.readouterr().err == ""


def test_a_question_may_hang_on_a_path(server: PageServer, site: Site) -> None:
    assert ask(server, "/index.html?model=x")[2] == site["index.html"].plain()


def test_head_gives_no_body_and_other_methods_are_not_known(server: PageServer) -> None:
    status, headers, body = ask(server, "/app.js", method="HEAD")

    assert (status, body) == (200, b"") and int(headers["Content-Length"]) > 1000
    assert ask(server, "/app.js", method="POST")[0] == 501


def test_another_name_that_leads_here_is_refused(server: PageServer) -> None:
    assert ask(server, "/about.json", Host="evil.example:8420")[0] == 421
    assert ask(server, "/about.json", Host="localhost:8420")[0] == 200


def test_it_listens_on_this_machine_alone(server: PageServer) -> None:
    host, port = server.server_address[:2]
    assert host == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{port}/"

    # Another address of this machine is another door, and it is closed.
    with socket.socket() as other:
        other.settimeout(2)
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_a_port_that_is_taken_is_one_line(server: PageServer, site: Site) -> None:
    port = server.server_address[1]

    with pytest.raises(UsageError, match=f"port {port} is taken; expected a free one: --port"):
        PageServer(site, port)
    with pytest.raises(UsageError, match=r"port 70000 is out of range; .* a free one: 0 for any"):
        PageServer(site, 70000)
