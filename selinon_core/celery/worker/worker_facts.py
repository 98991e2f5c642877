"""A remote command of workers: which selinon, which flows, which time a worker has, for ``selinon doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.worker import control

from selinon_core.celery.surroundings import REAL
from selinon_core.celery.transport.publisher import DISPATCHER
from selinon_core.dispatch.codec import FORMAT, LOGIC
from selinon_core.plan.digests import flow_digests
from selinon_core.version import __version__

if TYPE_CHECKING:
    from selinon_core.celery.selinon_protocol import Owner

#: The name of the command.
COMMAND = "selinon_facts"


def facts_of(owner: Owner) -> dict[str, Any]:
    """Versions of selinon, of the largest log format and of the dispatch logic, and the digests of all flows."""
    return {
        "selinon": __version__,
        "format": FORMAT,
        "logic": LOGIC,
        "flows": flow_digests(owner.plan),
    }


def add_command() -> None:
    """Let the workers of this process answer the question."""
    control.inspect_command(name=COMMAND)(_answer)


def _answer(state: Any, **_: Any) -> dict[str, Any]:
    """Return what this worker knows of selinon; ``now`` is the time of its machine."""
    owner: Owner | None = getattr(state.app.tasks.get(DISPATCHER), "selinon", None)
    return {} if owner is None else {**facts_of(owner), "now": REAL.now()}
