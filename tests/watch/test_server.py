"""Who gets the page, and who does not."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from selinon_cli.exits import UsageError
from selinon_cli.main import main
from selinon_cli.watching.server import PageServer


@pytest.fixture
def server() -> Iterator[PageServer]:
    server = PageServer(0)
    try:
        yield server
    finally:
        server.close()


def port(server: PageServer) -> int:
    found = urlsplit(server.address).port
    assert found is not None
    return found


def get(server: PageServer, path: str = "/", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=30)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/page.js",
        "/page.css",
        "/base.css",
        "/graph.css",
        "/common.js",
        "/graph.js",
        "/icon.svg",
        "/state",
        "/?x=1",
    ],
)
def test_serves_the_page_to_this_machine(server: PageServer, path: str) -> None:
    for host in ("127.0.0.1", "localhost"):
        response = get(server, path, Host=f"{host}:{port(server)}")
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("path", ["/", "/page.js", "/state", "/events"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1:{port}.evil.example"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_refuses_other_hosts_and_origins(server: PageServer, path: str, headers: dict[str, str]) -> None:
    filled = {name: value.format(port=port(server)) for name, value in headers.items()}
    response = get(server, path, **filled)
    assert response.status == 403
    assert b"version" not in response.body  # type: ignore[attr-defined]


def test_same_origin_is_fine(server: PageServer) -> None:
    origin = f"http://127.0.0.1:{port(server)}"
    assert get(server, "/state", Origin=origin, Sec_Fetch_Site="same-origin").status == 200


@pytest.mark.parametrize(
    "path", ["/nothing", "/../server.py", "/page/page.js", "/%70age.js", "/static/base.css", "/page.html"]
)
def test_serves_nothing_else(server: PageServer, path: str) -> None:
    assert get(server, path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_only_reads(server: PageServer, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=30)
    connection.request(method, "/state")
    assert connection.getresponse().status == 501
    connection.close()


def test_listens_on_loopback_alone(server: PageServer) -> None:
    assert urlsplit(server.address).hostname == "127.0.0.1"
    with socket.socket() as other:
        other.bind(("127.0.0.2", port(server)))  # it would be taken if the server listened everywhere


def state(server: PageServer) -> dict[str, object]:
    found = json.loads(get(server, "/state").body)  # type: ignore[attr-defined]
    assert isinstance(found, dict)
    return found


def test_state_keeps_the_last_good_result(server: PageServer) -> None:
    good, bad = {"ok": True, "n": 1}, {"ok": False, "n": 2}
    assert state(server)["result"] is None
    server.working()
    server.show(good)
    assert (state(server)["result"], state(server)["good"]) == (good, None)
    server.working()
    assert state(server)["working"] is True
    server.show(bad)
    assert (state(server)["result"], state(server)["good"], state(server)["working"]) == (bad, good, False)
    server.show(good)
    assert state(server)["good"] is None


def test_events_tell_every_new_version(server: PageServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=30)
    connection.request("GET", "/events")
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "text/event-stream"
    first = int(response.readline().removeprefix(b"data: "))
    assert response.readline() == b"\n"
    server.working()
    assert int(response.readline().removeprefix(b"data: ")) == first + 1
    connection.close()


def test_closing_lets_waiting_pages_go(server: PageServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=30)
    connection.request("GET", "/events")
    response = connection.getresponse()
    response.readline()
    server.close()
    while response.readline():
        pass
    connection.close()


def test_port_that_is_taken(
    server: PageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError):
        PageServer(port(server))
    monkeypatch.chdir(tmp_path)
    assert main(["watch", "--serve", "--port", str(port(server))]) == 2
    assert "--port N, 0 takes a free one" in capfd.readouterr().err


def test_a_port_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match="there is no port 65536"):
        PageServer(65536)
