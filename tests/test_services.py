"""A server that is there but cannot be used leads to skipped tests, not to failures."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import services
from tests.services import SERVICES, why_unreachable


@contextmanager
def server_that_says(answer: bytes) -> Iterator[int]:
    """A server that answers anything in the same way, and closes; gives its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1024)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def use(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> services.Service:
    service = SERVICES[name]
    monkeypatch.setenv(service.variable, url)
    return service


def test_a_redis_with_a_password_is_no_redis_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    with server_that_says(b"-NOAUTH Authentication required.\r\n") as port:
        why = why_unreachable(use(monkeypatch, "redis", f"redis://:secret@127.0.0.1:{port}/0"))
    assert why is not None
    assert why.startswith(f"no login at redis://:***@127.0.0.1:{port}/0 (AuthenticationError: ")
    assert why.endswith("; set SELINON_TEST_REDIS_URL")


@pytest.mark.parametrize(
    ("name", "scheme"), [("amqp", "amqp"), ("postgres", "postgresql+psycopg"), ("redis", "redis")]
)
def test_another_server_at_the_usual_port(monkeypatch: pytest.MonkeyPatch, name: str, scheme: str) -> None:
    with server_that_says(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        why = why_unreachable(use(monkeypatch, name, f"{scheme}://me@127.0.0.1:{port}/x"))
    assert why is not None
    assert why.startswith("no login at ")


def test_nothing_at_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    why = why_unreachable(use(monkeypatch, "redis", "redis://127.0.0.1:1/0"))
    assert why is not None
    assert why.startswith("nothing at 127.0.0.1:1 ")


@pytest.mark.service("postgres")
def test_a_database_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    url = SERVICES["postgres"].url
    assert url is not None
    why = why_unreachable(use(monkeypatch, "postgres", url.rpartition("/")[0] + "/selinon_no_such_database"))
    assert why is not None
    assert "selinon_no_such_database" in why
