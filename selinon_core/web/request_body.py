"""Bodies of requests: JSON objects of a bounded size with known keys."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from starlette.requests import Request

from selinon_core.diagnostics.wording import hint
from selinon_core.errors import RequestError
from selinon_core.web.answers import ApiError

#: The largest body of a request, in bytes.
MAX_BODY = 64 * 1024


def too_large() -> ApiError:
    """The error of a body that is too large."""
    return ApiError(413, "too_large", "the body of the request is too large", f"at most {MAX_BODY} bytes")


async def json_object(request: Request, known: Collection[str]) -> dict[str, Any]:
    """The body of a request; raises ``ApiError`` and ``RequestError`` with place and remedy."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415, "content_type", "the body has to be JSON", "send Content-Type: application/json")
    data = b""
    async for chunk in request.stream():  # its length need not be given
        data += chunk
        if len(data) > MAX_BODY:
            raise too_large()
    try:
        value = json.loads(data)
        json.dumps(value, ensure_ascii=False).encode()  # half of a character has no place in a store
    except (ValueError, RecursionError):
        raise RequestError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise RequestError("the body has to be a JSON object")
    for name in value:
        if name not in known:
            raise RequestError(f'there is no "{name[:80]}"{hint(name[:80], known)}')
    return value


def flag_of(body: Mapping[str, Any], name: str, default: bool) -> bool:
    """A value of a body that has to be true or false; raises ``RequestError`` for another one."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise RequestError(f'"{name}" has to be true or false')
    return value
