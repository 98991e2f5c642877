"""The API: JSON with a version, and server-sent events. What changes something is in ``action_routes``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from selinon_core.errors import MissingExtraError, RequestError, UnknownRunError
from selinon_core.web.acting import EXPIRED
from selinon_core.web.answers import ApiError, json_answer
from selinon_core.web.backend import Backend
from selinon_core.web.filters import checked_id, read_filter
from selinon_core.web.live_feeds import LiveFeeds, streamed
from selinon_core.web.query import only
from selinon_core.web.run_drawings import TooLargeToDraw

T = TypeVar("T")

#: A picture that is opened alone may have the styles that are in it, and nothing else.
_OF_PICTURES = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
#: Seconds of the past that are asked for again: a step that is kept later may have an earlier time.
_OVERLAP = 5.0


class Api:
    """The handlers of one server."""

    def __init__(self, backend: Backend, feeds: LiveFeeds) -> None:
        self._backend = backend
        self._feeds = feeds

    async def health(self, request: Request) -> Response:
        """Whether the server can read the state store."""
        await self._backend.call(self._backend.healthy)
        return json_answer({"version": 1, "status": "ok"})

    async def metrics(self, request: Request) -> Response:
        """Metrics for Prometheus."""
        only(request)
        try:
            text, kind = await self._backend.call(self._backend.metrics, request.headers.get("accept", ""))
        except MissingExtraError as error:
            raise ApiError(501, "not_installed", str(error)) from error
        return Response(text, 200, {"Content-Type": kind})

    async def runs(self, request: Request) -> Response:
        """A page of runs."""
        now = await self._backend.call(self._backend.now)
        wanted = read_filter(request.query_params.multi_items(), now)
        return json_answer(await self._backend.call(self._backend.runs, wanted))

    async def flows(self, request: Request) -> Response:
        """What each flow did in the last day."""
        only(request)
        flows = await self._backend.call(self._backend.flows)
        return json_answer({"version": 1, "flows": flows})

    async def waits(self, request: Request) -> Response:
        """A page of tasks that wait for a signal, the longest waiting first."""
        query = only(request, "flow", "root", "cursor")
        root = checked_id(query["root"]) if "root" in query else None
        flows = (query["flow"],) if "flow" in query else ()
        return json_answer(await self._backend.call(self._backend.waits, flows, root, query.get("cursor")))

    async def audit(self, request: Request) -> Response:
        """A page of who asked for what, of a run or of all."""
        query = only(request, "run", "cursor")
        run = checked_id(query["run"]) if "run" in query else None
        return json_answer(await self._backend.call(self._backend.audit, run, query.get("cursor")))

    async def schedules(self, request: Request) -> Response:
        """When flows are started by the clock."""
        only(request)
        found = await self._backend.call(self._backend.schedules)
        return json_answer({"version": 1, "schedules": found})

    async def run(self, request: Request) -> Response:
        """A run."""
        only(request)
        return json_answer(await self._of_run(request, self._backend.run))

    async def nodes(self, request: Request) -> Response:
        """A page of node runs of a name."""
        query = only(request, "name", "after")
        if not query.get("name"):
            raise RequestError('"name" has to be the name of a node')
        return json_answer(await self._of_run(request, self._backend.members, query["name"], query.get("after")))

    async def history(self, request: Request) -> Response:
        """A page of events."""
        after = only(request, "after").get("after", "0")
        return json_answer(await self._of_run(request, self._backend.history, _number(after)))

    async def logs(self, request: Request) -> Response:
        """What a node run logged."""
        node = only(request, "node").get("node")
        if node is None:
            raise RequestError('"node" has to be the id of a node run')
        return json_answer(await self._of_run(request, self._backend.logs, checked_id(node)))

    async def result(self, request: Request) -> Response:
        """The result of a run of a task."""
        node = only(request, "node").get("node")
        if node is None:
            raise RequestError('"node" has to be the id of a node run')
        return json_answer(await self._of_run(request, self._backend.result, checked_id(node)))

    async def explain(self, request: Request) -> Response:
        """Why a node ran, did not run or waits; without a node how the run ended, and why nodes did not run."""
        node = only(request, "node").get("node")
        return json_answer(await self._of_run(request, self._backend.explained, node))

    async def plain_graph(self, request: Request) -> Response:
        """The drawing of a run's flow for the page, which colours it."""
        only(request)
        drawing = await self._drawn(request, self._backend.plain_graph)
        return json_answer(drawing)

    async def graph(self, request: Request) -> Response:
        """The drawing of a run as a picture."""
        only(request)
        picture = await self._drawn(request, self._backend.graph)
        return Response(picture, 200, _OF_PICTURES, "image/svg+xml")

    # -- streams ----------------------------------------------------------------------------------------------

    async def run_events(self, request: Request) -> Response:
        """The changes of a run, as they happen."""
        _number(only(request, "after").get("after", "0"))
        id = await self._known_id(request)

        async def ask() -> tuple[int, bool, dict[str, Any]]:
            return await self._backend.call(self._backend.run_state, id)

        return self._stream(request, f"run {id}", ask)

    async def events(self, request: Request) -> Response:
        """Which runs of the list changed."""
        only(request)
        seen: dict[str, Any] = {"number": 0, "at": await self._backend.call(self._backend.now), "rows": ()}

        async def ask() -> tuple[int, bool, dict[str, Any]]:
            rows = await self._backend.call(self._backend.changed_since, seen["at"] - _OVERLAP)
            new = [row for row in rows if row not in seen["rows"]]
            if new:
                seen.update(number=seen["number"] + 1, at=max(row.changed for row in rows), rows=rows)
            return seen["number"], True, {"version": 1, "changed": [row.id for row in new]}

        return self._stream(request, "runs", ask)

    def _stream(self, request: Request, key: str, ask: Callable[[], Any]) -> Response:
        self._feeds.check_room()
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        messages: AsyncIterator[bytes] = streamed(self._feeds.messages(key, ask))
        headers = {"X-Accel-Buffering": "no"}  # a proxy that collects what it passes on would hold messages back
        return StreamingResponse(messages, headers=headers, media_type="text/event-stream")

    # -- parts ------------------------------------------------------------------------------------------------

    async def _of_run(self, request: Request, read: Callable[..., T], *args: Any) -> T:
        id = await self._known_id(request)
        try:
            return await self._backend.call(read, id, *args)
        except UnknownRunError as error:
            raise ApiError(404, "no_such_run", str(error), EXPIRED) from error

    async def _known_id(self, request: Request) -> str:
        return checked_id(request.path_params["id"])

    async def _drawn(self, request: Request, read: Callable[[str], T | None]) -> T:
        try:
            found = await self._of_run(request, read)
        except TooLargeToDraw as error:
            raise ApiError(409, "too_large_to_draw", str(error), "the nodes are listed below") from error
        except MissingExtraError as error:
            raise ApiError(409, "no_engine", str(error)) from error
        if found is None:
            raise ApiError(409, "not_begun", "the run was never begun, so there is nothing to draw")
        return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise RequestError(f'"after" is {text[:80]!r}: write a number')
    return int(text)
