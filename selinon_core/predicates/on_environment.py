"""Predicates that look at neither results nor arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_HTTP_TIMEOUT = 5.0  # seconds, for connecting and again for the answer


def alwaysTrue() -> bool:
    """Always."""
    return True


def alwaysFalse() -> bool:
    """Never."""
    return False


def envExist(env: Any) -> bool:
    """Return whether the environment variable ``env`` is set, empty or not."""
    return _environment(env) is not None


def envEqual(env: Any, value: Any) -> bool:
    """Return whether the environment variable ``env`` is set to the string ``value``."""
    found = _environment(env)
    return found is not None and found == value


def httpStatus(host: Any, path: Any, status: Any) -> bool:
    """Return whether a HEAD request is answered with the status code ``status``; redirections are not followed.

    ``host`` is a host name, optionally with a port, or a URL (``https://example.com/base``; without a scheme
    it is ``http``), whose path goes in front of ``path``. Waits at most 5 s to connect and for the answer.
    """
    from http.client import HTTPConnection, HTTPSConnection
    from urllib.parse import urlsplit

    try:
        url = urlsplit(host if "://" in host else f"//{host}", scheme="http")
        if url.scheme not in ("http", "https") or not url.hostname:
            return False
        target = f"{url.path.rstrip('/')}/{path.lstrip('/')}"
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.hostname, url.port, timeout=_HTTP_TIMEOUT)
        try:
            connection.request("HEAD", target)
            return bool(connection.getresponse().status == status)
        finally:
            connection.close()
    except Exception:  # no connection, no HTTP, not a host
        return False


def _environment(name: Any) -> str | None:
    import os

    try:
        return os.environ.get(name)
    except (TypeError, ValueError):  # not a string, or one that no variable can be called
        return None
