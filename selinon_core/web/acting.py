"""Does what people ask for on the page: one run at a time, through the table of actions. All of it blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

from selinon_core.celery.selinon_protocol import Owner
from selinon_core.diagnostics.wording import hint
from selinon_core.errors import RequestError, UnknownRunError
from selinon_core.web.actions import ACTIONS, Action, Planned
from selinon_core.web.answers import RETRY_AFTER, ApiError
from selinon_core.web.run_json import VERSION, status_of

T = TypeVar("T")

#: Requests that are worked on at one time; more wait.
THREADS = 4
#: Why there may be no run of an id that was seen before.
EXPIRED = "its start waits for a worker, it was refused, or it is forgotten (selinon_state_ttl)"


def known_action(name: str) -> Action:
    """An action by its name; raises ``ApiError``."""
    action = ACTIONS.get(name)
    if action is None:
        message = f'there is no action "{name[:80]}"{hint(name[:80], ACTIONS)}'
        raise ApiError(404, "no_such_action", message, f"there are: {', '.join(ACTIONS)}")
    return action


class Acting:
    """The actions of one server."""

    def __init__(self, selinon: Owner) -> None:
        self.selinon = selinon
        self._threads = CapacityLimiter(THREADS)

    async def call(self, do: Callable[..., T], *args: Any) -> T:
        """Call one of the methods below in a thread; what was begun is not given up when a client goes away."""
        return await to_thread.run_sync(do, *args, limiter=self._threads)

    def planned(self, name: str, id: str, parameters: Mapping[str, Any]) -> Planned:
        """What an action would do; raises ``ApiError`` 404 and 409 with the reason why it cannot be done."""
        action = known_action(name)
        try:
            return action.plan(self.selinon, id, parameters)
        except UnknownRunError as error:
            raise ApiError(404, "no_such_run", str(error), EXPIRED) from error
        except RequestError as error:
            allowed = status_of(self.selinon.store, id) in action.statuses
            raise ApiError(
                409,
                "refused" if allowed else "wrong_status",
                str(error),
                "" if allowed else f"only a run with status {', '.join(action.statuses)} can be {action.past}",
            ) from error

    def preview(self, name: str, id: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What an action would do, as JSON."""
        return planned_json(name, self.planned(name, id, parameters))

    def perform(
        self, name: str, id: str, parameters: Mapping[str, Any], version: int | None, who: str
    ) -> dict[str, Any]:
        """Ask a worker for an action; returns what was asked for, as JSON.

        ``version`` is the ``log_version`` of a preview: raises ``ApiError`` 409 for a run that went on since then,
        and 503 while the broker is away.
        """
        planned = self.planned(name, id, parameters)
        if version is not None and version != planned.version:
            message = f"flow run {planned.run} went on since this was looked at"
            raise ApiError(409, "changed", message, "look at it again")
        with asking_broker(self.selinon):
            warnings = planned.send(who)
        return planned_json(name, planned) | {"warnings": list(warnings or ())}


@contextmanager
def asking_broker(selinon: Owner) -> Iterator[None]:
    """Raise ``ApiError`` 503 for what fails inside because the broker is away."""
    from kombu.exceptions import OperationalError

    connection: Any = selinon.app.connection_for_write()  # not made: it knows which errors there are
    errors = (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors)
    try:
        yield
    except errors as error:
        wait = {"Retry-After": str(RETRY_AFTER)}
        message = f"the broker is away: {str(error) or type(error).__name__}"
        raise ApiError(
            503, "broker_away", message, "ask again: what is asked for twice is done once", wait
        ) from error


def planned_json(name: str, planned: Planned) -> dict[str, Any]:
    """What an action does, as JSON."""
    starts = {} if planned.starts is None else {"starts": planned.starts}
    return {
        "version": VERSION,
        "action": name,
        "run": planned.run,
        "flow": planned.flow,
        "log_version": planned.version,
        "says": planned.says,
        "nodes": dict(planned.nodes),
        **starts,
    }
