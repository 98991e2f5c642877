"""The page on loopback: the results of the last rebuild, refreshed by itself.

Only the machine's own user is meant to see it: it listens on 127.0.0.1, refuses requests that name another host
(DNS rebinding) or come from another origin, and everything it shows is put on the page as text.
"""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from selinon_cli.exits import UsageError
from selinon_core.web.static_files import read_static

#: What only this page has; the rest is shared with ``selinon web``.
_OWN = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
#: What of ``selinon_core.web.static_files`` it needs.
_SHARED = ("base.css", "graph.css", "common.js", "graph.js", "icon.svg")

_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

#: Seconds between two heartbeats to a waiting page.
_HEARTBEAT = 10.0


class _State:
    """What the page shows; ``version`` grows with every change."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._version = -1
        self._project = os.path.basename(os.getcwd())
        self._result: dict[str, Any] | None = None
        self._good: dict[str, Any] | None = None
        self.closed = False
        self.update(working=True)

    def update(self, *, working: bool, result: dict[str, Any] | None = None) -> None:
        """Take a new result, or note that one is on its way."""
        with self._changed:
            if result is not None:
                self._result = result
                if result["ok"]:
                    self._good = result
            self._version += 1
            shown = self._result
            content = {
                "version": self._version,
                "project": self._project,
                "working": working,
                "result": shown,
                # A project with errors has no drawing: the page keeps the last good one.
                "good": self._good if shown is not None and not shown["ok"] else None,
            }
            self._content = json.dumps(content).encode()
            self._changed.notify_all()

    def content(self) -> bytes:
        """The state as JSON."""
        with self._changed:
            return self._content

    def wait_beyond(self, version: int) -> int:
        """Wait until there is a newer version, or for a heartbeat; returns the current version."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self._version > version, timeout=_HEARTBEAT)
            return self._version

    def close(self) -> None:
        """Wake all waiting requests."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()


class PageServer:
    """Serves the page until closed. Raises ``UsageError`` when the port is taken."""

    def __init__(self, port: int) -> None:
        self._state = _State()
        try:
            self._http = _Server(port, self._state)
        except OSError as error:
            hint = "choose another one with --port N, 0 takes a free one"
            raise UsageError(f"cannot serve on port {port}: {error.strerror}", hint) from error
        except OverflowError as error:
            raise UsageError(f"there is no port {port}: they end at 65535") from error
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}/"
        threading.Thread(target=self._http.serve_forever, args=(0.1,), name="selinon-page", daemon=True).start()

    def working(self) -> None:
        """A rebuild has begun."""
        self._state.update(working=True)

    def show(self, result: dict[str, Any]) -> None:
        """A rebuild has ended."""
        self._state.update(working=False, result=result)

    def close(self) -> None:
        """Stop serving."""
        self._state.close()
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    """Gives its handlers what the page shows."""

    daemon_threads = True

    def __init__(self, port: int, state: _State) -> None:
        self.state = state
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server_version = "selinon"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        if not self._is_ours():
            self._answer(403, b"this page is for this machine only\n", "text/plain; charset=utf-8")
            return
        path = self.path.partition("?")[0]
        if path in _OWN:
            name, kind = _OWN[path]
            self._answer(200, (files(__package__) / "page" / name).read_bytes(), kind)
        elif path[1:] in _SHARED:
            self._answer(200, *read_static(path[1:]))
        elif path == "/state":
            self._answer(200, self.server.state.content(), "application/json")
        elif path == "/events":
            self._stream()
        else:
            self._answer(404, b"no such page\n", "text/plain; charset=utf-8")

    def _is_ours(self) -> bool:
        port = int(self.server.server_address[1])
        hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        if self.headers.get("Host", "") not in hosts:
            return False
        origin = self.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in hosts}:
            return False
        return self.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in _SECURITY.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        for name, value in _SECURITY.items():
            self.send_header(name, value)
        self.end_headers()
        state = self.server.state
        version = -1
        try:
            while not state.closed:
                version = state.wait_beyond(version)
                self.wfile.write(b"data: %d\n\n" % version)
                self.wfile.flush()
        except OSError:
            pass  # the page is gone

    def log_message(self, format: str, *args: Any) -> None:
        pass  # the terminal is for results

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True
