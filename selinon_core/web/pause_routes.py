"""The routes that pause starts of flows, and schedules. ``Guard`` lets only operators do that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from selinon_core.celery.steering import ScheduleSteering
from selinon_core.celery.steering.starts import StartSteering
from selinon_core.diagnostics.wording import hint
from selinon_core.errors import RequestError
from selinon_core.web.acting import Acting, asking_broker
from selinon_core.web.action_routes import user_of
from selinon_core.web.answers import ApiError, json_answer
from selinon_core.web.backend import Backend
from selinon_core.web.query import only
from selinon_core.web.request_body import flag_of, json_object
from selinon_core.web.run_json import VERSION

#: The most characters of a name in a request.
MAX_NAME = 255


class _Kind(NamedTuple):
    """A kind of thing that is paused and resumed."""

    #: Its key in requests and responses.
    key: str
    #: What a pause does, and what its end does.
    says: Mapping[bool, str]
    #: Why a pause changes nothing, and why its end does not.
    as_it_is: Mapping[bool, str]
    #: The names of those that are paused.
    paused: Callable[[], Collection[str]]
    #: The names that there are.
    known: Callable[[], Collection[str]]
    #: Pauses (True) or resumes (False) one, by its name and for who asks; returns whether that changed something.
    turn: Mapping[bool, Callable[[str, str], bool]]


class PauseRoutes:
    """The handlers of one server."""

    def __init__(self, backend: Backend, acting: Acting) -> None:
        self._backend = backend
        self._acting = acting
        selinon = acting.selinon
        starts, schedules = StartSteering(selinon), ScheduleSteering(selinon)
        self._starts = _Kind(
            "flow",
            {
                True: "New runs of {} are queued until its starts are resumed. Runs that began go on.",
                False: "Queued runs of {} begin, and new ones begin at once.",
            },
            {True: "The starts of {} are paused already.", False: "The starts of {} are not paused."},
            lambda: [each["flow"] for each in starts.paused()],
            lambda: selinon.plan.flows,
            {True: starts.pause, False: starts.resume},
        )
        self._schedules = _Kind(
            "schedule",
            {
                True: "Schedule {} starts nothing until it is resumed; what is due meanwhile is skipped. "
                "Runs that it started go on.",
                False: "Schedule {} starts its flow again when it is due next.",
            },
            {True: "Schedule {} is paused already.", False: "Schedule {} is not paused."},
            lambda: [each["name"] for each in schedules.list() if each["paused"] is not None],
            lambda: [each.name for each in selinon.plan.settings.schedules],
            {True: schedules.pause, False: schedules.resume},
        )

    async def starts(self, request: Request) -> Response:
        """The flows whose starts are paused."""
        only(request)
        return json_answer({"version": VERSION, "paused": await self._backend.call(self._backend.paused_starts)})

    async def pause_starts(self, request: Request) -> Response:
        """Queue new runs of a flow, or say what would be done (``dry_run``)."""
        return await self._act(request, self._starts, True)

    async def resume_starts(self, request: Request) -> Response:
        """Let queued runs of a flow begin, or say what would be done (``dry_run``)."""
        return await self._act(request, self._starts, False)

    async def pause_schedule(self, request: Request) -> Response:
        """Start nothing by a schedule, or say what would be done (``dry_run``)."""
        return await self._act(request, self._schedules, True)

    async def resume_schedule(self, request: Request) -> Response:
        """Start runs by a schedule again, or say what would be done (``dry_run``)."""
        return await self._act(request, self._schedules, False)

    async def _act(self, request: Request, kind: _Kind, pauses: bool) -> Response:
        body = await json_object(request, (kind.key, "dry_run"))
        name, dry_run, who = body.get(kind.key), flag_of(body, "dry_run", False), user_of(request)
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            raise RequestError(f'"{kind.key}" has to be the name of a {kind.key}')

        def act() -> dict[str, Any]:
            paused, known = kind.paused(), kind.known()
            if name not in paused and name not in known:
                message = f'no {kind.key} is named "{name}"{hint(name, known)}'
                raise ApiError(404, f"no_such_{kind.key}", message, "it is not in the files of this page")
            changes = (name in paused) != pauses
            if changes and not dry_run:
                with asking_broker(self._acting.selinon):
                    changes = kind.turn[pauses](name, who)
                self._backend.forget_pauses()
            says = (kind.says if changes else kind.as_it_is)[pauses].format(name)
            action = "pause" if pauses else "resume"
            return {"version": VERSION, "action": action, kind.key: name, "says": says, "changes": changes}

        return json_answer(await self._acting.call(act))
