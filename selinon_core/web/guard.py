"""The middleware around all routes (access, sizes, security headers), and the handlers that answer errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from selinon_core.errors import (
    ConfigurationError,
    MissingExtraError,
    RequestError,
    StateStoreError,
    StateStoreRefused,
)
from selinon_core.web.access import Authorize, Refusal, check_action, visitor_of
from selinon_core.web.answers import RETRY_AFTER, SECURITY_HEADERS, ApiError, error_answer
from selinon_core.web.live_feeds import TooManyViewers
from selinon_core.web.request_body import MAX_BODY, too_large

_log = logging.getLogger("selinon.web")

#: The longest query of an address, in bytes.
MAX_QUERY = 8 * 1024
#: What needs no role: it says nothing of the flows, and those who ask (load balancers) have none.
_OPEN = "/healthz"


class Guard:
    """Middleware: refuses what may not be answered, and adds the headers that keep browsers strict."""

    def __init__(self, app: ASGIApp, authorize: Authorize | None, read_only: bool) -> None:
        self._app = app
        self._authorize = authorize
        self._read_only = read_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                have = {name.lower() for name, _ in message["headers"]}
                more = [(k.lower().encode(), v.encode()) for k, v in SECURITY_HEADERS.items()]
                message["headers"] = [*message["headers"], *(each for each in more if each[0] not in have)]
            await send(message)

        refused = await self._refused(Request(scope))
        await (refused or self._app)(scope, receive, send_strictly)

    async def _refused(self, request: Request) -> Response | None:
        path = path_of(request)
        if path == "":  # mounted, and asked for without the slash to which the links on the page are relative
            return RedirectResponse(request.url.path.rpartition("/")[2] + "/", 307)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return error_answer(too_large())
        if len(request.scope.get("query_string", b"")) > MAX_QUERY:
            hint = f"at most {MAX_QUERY} bytes"
            return error_answer(ApiError(414, "too_large", "the query of the address is too long", hint))
        reads = request.method in ("GET", "HEAD")
        if path == _OPEN and reads:
            return None
        try:
            visitor = request.scope["selinon.visitor"] = await visitor_of(request, self._authorize)
            request.scope["selinon.acts"] = visitor.role == "operator" and not self._read_only
            if not reads:  # whatever the route makes of it: what is not asked here may act
                check_action(request, visitor, self._read_only)
        except Refusal as refusal:
            headers = {} if refusal.challenge is None else {"WWW-Authenticate": refusal.challenge}
            return error_answer(ApiError(refusal.status, refusal.code, refusal.message, refusal.hint, headers))
        return None


def path_of(request: Request) -> str:
    """The path of a request below the place where the app is mounted."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


# -- errors -------------------------------------------------------------------------------------------------


def api_error(error: Exception) -> ApiError:
    """What an exception is for those who asked."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, StateStoreError):
        message = f"the state store is away: {error}"
        return ApiError(503, "store_away", message, "it is asked again", {"Retry-After": str(RETRY_AFTER)})
    if isinstance(error, TooManyViewers):
        wait = {"Retry-After": "30"}
        return ApiError(503, "too_many_viewers", "this server has as many viewers as it takes", "come back", wait)
    if isinstance(error, StateStoreRefused):
        return ApiError(400, "store_refused", str(error), "the message says what the state store cannot take")
    if isinstance(error, MissingExtraError):
        return ApiError(409, "missing_extra", str(error))
    if isinstance(error, RequestError):
        return ApiError(400, "bad_request", str(error))
    if isinstance(error, ConfigurationError):
        return ApiError(500, "configuration", str(error), "selinon lint says more")
    if isinstance(error, HTTPException):
        return _of_routing(error)
    _log.error("a request failed", exc_info=error)
    return ApiError(500, "bug", "this request failed, which is a mistake of selinon", "the server's log says more")


def _of_routing(error: HTTPException) -> ApiError:
    headers = dict(error.headers or {})
    if error.status_code == 405:
        return ApiError(405, "method", "nothing here takes this method", "", headers)
    if error.status_code == 404:
        return ApiError(404, "not_found", "there is no such page", "", headers)
    return ApiError(error.status_code, "refused", str(error.detail), "", headers)


def error_handlers(page: Callable[[Request, ApiError], Response]) -> Mapping[Any, Any]:
    """Handlers for Starlette; ``page`` shows an error to people."""

    def answer(request: Request, error: Exception) -> Response:
        shown = api_error(error)
        path = path_of(request)
        if path.startswith(("/api/", "/healthz", "/metrics", "/static/")) or request.method not in ("GET", "HEAD"):
            return error_answer(shown)
        return page(request, shown)

    kinds = (
        *(ApiError, StateStoreError, StateStoreRefused, TooManyViewers, RequestError),
        *(ConfigurationError, MissingExtraError, HTTPException, Exception),
    )
    return dict.fromkeys(kinds, answer)
