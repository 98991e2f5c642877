"""Requests that change something. ``Guard`` has let in only operators, from this page or from a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from selinon_core.celery.reporting.run_rows import find_page, rows_json
from selinon_core.celery.steering.rates import pause_of
from selinon_core.errors import RequestError
from selinon_core.web.acting import Acting, known_action
from selinon_core.web.actions import Action
from selinon_core.web.answers import ApiError, json_answer
from selinon_core.web.backend import Backend
from selinon_core.web.batches import Batches, Pinned
from selinon_core.web.filters import BATCH_KEYS, checked_id, read_filter
from selinon_core.web.request_body import flag_of, json_object
from selinon_core.web.run_json import VERSION

#: Runs of a batch unless the request says how many, and the most.
DEFAULT_LIMIT, MAX_LIMIT = 100, 10_000
DEFAULT_RATE = "10/s"
#: Runs that a preview shows.
SAMPLE = 5


class ActionRoutes:
    """The handlers of one server."""

    def __init__(self, backend: Backend, acting: Acting) -> None:
        self._backend = backend
        self._acting = acting
        self.batches = Batches(lambda action, id, given, who: acting.perform(action, id, given, None, who))

    async def act(self, request: Request) -> Response:
        """Do something with a run, or say what would be done (``dry_run``)."""
        name, id = request.path_params["action"], checked_id(request.path_params["id"])
        action = known_action(name)
        body = await json_object(request, (*action.parameters, "dry_run", "log_version"))
        parameters = _parameters(action, body)
        version = body.get("log_version")
        if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
            raise RequestError('"log_version" has to be that of a preview: a number')
        if flag_of(body, "dry_run", False):
            return json_answer(await self._acting.call(self._acting.preview, name, id, parameters))
        done = await self._acting.call(self._acting.perform, name, id, parameters, version, user_of(request))
        return json_answer(done, 202)

    # -- many runs --------------------------------------------------------------------------------------------

    async def batch(self, request: Request) -> Response:
        """Say which runs an action would be about, or begin what was previewed (``token``)."""
        body = await json_object(request, ("action", "filter", "limit", "rate", "dry_run", "token", "parameters"))
        pause = pause_of(_text(body, "rate") or DEFAULT_RATE)
        token = _text(body, "token")
        if flag_of(body, "dry_run", token is None):
            if token is not None:
                raise RequestError('"token" is that of a preview: it begins what was previewed, without "dry_run"')
            return json_answer(await self._previewed(body, user_of(request)))
        if token is None:
            raise RequestError('a batch is previewed first: the answer to "dry_run": true has the "token"')
        if body.keys() - {"token", "rate", "dry_run"}:
            raise RequestError('the token says which runs and which action: leave the others than "rate" out')
        return json_answer(self.batches.start(token, user_of(request), pause), 202)

    async def progress(self, request: Request) -> Response:
        """How far a batch is."""
        _require_operator(request)
        return json_answer(self.batches.progress(request.path_params["token"], user_of(request)))

    async def stop(self, request: Request) -> Response:
        """Stop a batch; what is left was not touched."""
        await json_object(request, ())
        return json_answer(self.batches.stop(request.path_params["token"], user_of(request)), 202)

    async def _previewed(self, body: Mapping[str, Any], who: str) -> dict[str, Any]:
        name = _text(body, "action")
        if name is None:
            raise RequestError('"action" has to be the name of an action')
        action = known_action(name)
        if not action.batch:
            raise ApiError(400, "bad_request", f'"{name}" is about one run at a time')
        parameters = body.get("parameters", {})
        if not isinstance(parameters, dict) or parameters.keys() - set(action.parameters):
            raise RequestError(
                f'"parameters" has to be an object with {", ".join(action.parameters) or "no keys"}'
            )
        limit = body.get("limit", DEFAULT_LIMIT)
        if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_LIMIT:
            raise RequestError(f'"limit" has to be a number from 1 to {MAX_LIMIT}')
        pairs = filter_pairs(body.get("filter"))
        now = await self._backend.call(self._backend.now)
        query = read_filter(pairs, now).query
        refused = [status for status in query.statuses if status not in action.statuses]
        if refused:
            message = f"runs with status {', '.join(refused)} cannot be {action.past}"
            raise ApiError(400, "bad_request", message, f"only those with: {', '.join(action.statuses)}")
        if not query.statuses:
            query = query._replace(statuses=tuple(action.statuses))

        def preview() -> dict[str, Any]:
            index = self._acting.selinon.store.index
            page = find_page(index, query, None, limit)
            sample = rows_json(index, page._replace(rows=page.rows[:SAMPLE]), now)
            for row in sample:
                try:
                    row |= {"says": self._acting.planned(name, row["id"], parameters).says, "refused": None}
                except ApiError as error:
                    row |= {"says": None, "refused": error.message}
            token = self.batches.pin(Pinned(name, parameters, [row.id for row in page.rows], who))
            matched = {"matched": len(page.rows), "more": page.next is not None}
            return {"version": VERSION, "action": name, **matched, "sample": sample, "token": token}

        return await self._acting.call(preview)


def user_of(request: Request) -> str:
    """Who sent a request, as the audit names them."""
    name: str = request.scope["selinon.visitor"].name
    return name


def filter_pairs(given: Any) -> list[tuple[str, str]]:
    """A filter as a JSON object, as the pairs of an address; at least one has to be given."""
    if not isinstance(given, dict):
        raise RequestError('"filter" has to be an object, such as {"flow": "order", "since": "2h"}')
    pairs = []
    for name, values in given.items():
        if name not in BATCH_KEYS:
            raise RequestError(f'there is no filter "{name[:80]}"; there are: {", ".join(BATCH_KEYS)}')
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, str):
                raise RequestError(f'"{name}" of the filter has to be a text, or a list of texts')
            if value:
                pairs.append((name, value))
    if not pairs:
        raise RequestError('"filter" is empty, which means all runs: give at least one filter')
    return pairs


def _parameters(action: Action, body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in action.parameters if name in body}


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise RequestError(f'"{name}" has to be a text')
    return value


def _require_operator(request: Request) -> None:
    if request.scope["selinon.visitor"].role != "operator":
        raise ApiError(403, "not_operator", "only operators may see batches", "ask for the role of an operator")
