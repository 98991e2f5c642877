"""The routes of parked starts: the list, and to requeue or drop one. ``Guard`` lets only operators do that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from selinon_core.celery.steering.parked import Parked
from selinon_core.errors import RequestError
from selinon_core.web.acting import Acting, asking_broker
from selinon_core.web.action_routes import user_of
from selinon_core.web.answers import ApiError, json_answer
from selinon_core.web.backend import Backend
from selinon_core.web.filters import checked_id
from selinon_core.web.query import only
from selinon_core.web.request_body import flag_of, json_object
from selinon_core.web.run_json import VERSION


class ParkedRoutes:
    """The handlers of one server."""

    def __init__(self, backend: Backend, acting: Acting) -> None:
        self._backend = backend
        self._acting = acting
        self._parked = Parked(acting.selinon)

    async def parked(self, request: Request) -> Response:
        """A page of starts that workers could not handle, the newest first."""
        cursor = only(request, "cursor").get("cursor")
        return json_answer(await self._backend.call(self._backend.parked, cursor))

    async def requeue(self, request: Request) -> Response:
        """Send a start to its queue again, or say what would be done (``dry_run``)."""

        def says(row: dict[str, Any]) -> str:
            return f"Sends the start of {row['flow']} to the queue {row['queue']} again."

        return await self._act(request, "requeue", says, self._parked.requeue)

    async def drop(self, request: Request) -> Response:
        """Remove a start for good, or say what would be done (``dry_run``)."""

        def says(row: dict[str, Any]) -> str:
            return f"Removes the start of {row['flow']} for good: its flow run does not begin."

        return await self._act(request, "drop", says, self._parked.drop)

    async def _act(
        self, request: Request, name: str, says: Callable[[dict[str, Any]], str], do: Callable[[str, str], None]
    ) -> Response:
        id = checked_id(request.path_params["id"])
        dry_run = flag_of(await json_object(request, ("dry_run",)), "dry_run", False)

        def act() -> dict[str, Any]:
            try:
                row = self._parked.get(id)
                if not dry_run:
                    with asking_broker(self._acting.selinon):
                        do(id, user_of(request))
            except RequestError as error:
                hint = "it was requeued or dropped already, or its time is over (selinon_index_ttl)"
                raise ApiError(404, "not_parked", str(error), hint) from error
            return {"version": VERSION, "action": name, "parked": id, "flow": row["flow"], "says": says(row)}

        return json_answer(await self._acting.call(act))
