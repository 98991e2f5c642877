"""The HTTP responses of the API: JSON with a version, errors of one shape, and security headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

#: On every answer. Scripts and styles come from this server's files only, and nothing may frame the page.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}

#: Seconds after which a client may ask again while the state store is away.
RETRY_AFTER = 2


class ApiError(Exception):
    """Raised for a request that cannot be answered: ``{"error": {"code", "message", "hint"}}``."""

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})


def json_answer(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON object."""
    return Response(json.dumps(value), status, headers, "application/json")


def error_answer(error: ApiError) -> Response:
    """An error as JSON."""
    content = {"version": 1, "error": {"code": error.code, "message": error.message, "hint": error.hint}}
    return json_answer(content, error.status, error.headers)
