"""Ids of flow runs as users type them: whole, or a beginning that only one run has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_cli.exits import UsageError

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

#: Shorter beginnings are not looked up: they would soon stand for several runs.
SHORTEST = 4
#: How many runs are looked at for a beginning.
_MAX_RUNS = 10_000


def full_id(selinon: Selinon, typed: str) -> str:
    """The id of the run whose id begins like this; what no run is known for stays as it was typed.

    Raises ``UsageError`` when several runs begin like this.
    """
    if len(typed) < SHORTEST or selinon.store.header(typed) is not None:
        return typed
    found = [id for id in selinon.store.runs(_MAX_RUNS) if id.startswith(typed)]
    if len(found) > 1:
        listed = ", ".join(sorted(found)[:5]) + (", ..." if len(found) > 5 else "")
        raise UsageError(
            f'{len(found)} flow runs have ids that begin with "{typed}": {listed}', "name one of them"
        )
    return found[0] if found else typed
