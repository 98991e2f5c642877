"""Ids of flow runs as users type them: whole, or a beginning that only one run has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_cli.exits import UsageError

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

#: Shorter beginnings are not looked up: they would soon stand for several runs.
SHORTEST = 4
#: So many of the runs that a beginning fits are named.
_SHOWN = 5
#: How many runs are looked at for a beginning.
_MAX_RUNS = 10_000


def full_id(selinon: Selinon, typed: str) -> str:
    """The id of the run whose id begins like this; what no run is known for stays as it was typed.

    Raises ``UsageError`` when several runs begin like this.
    """
    from selinon_core.celery.stores.index import RunQuery

    if len(typed) < SHORTEST or selinon.store.header(typed) is not None:
        return typed
    index = selinon.store.index
    found = index.by_prefix(typed, _SHOWN + 1)
    number = len(found) if len(found) <= _SHOWN else index.count(RunQuery(id_prefix=typed))
    if not found:  # the runs of sub-flows are not in the index
        found = [id for id in selinon.store.runs(_MAX_RUNS) if id.startswith(typed)]
        number = len(found)
    if number > 1:
        listed = ", ".join(sorted(found)[:_SHOWN]) + (", ..." if number > _SHOWN else "")
        raise UsageError(f'{number} flow runs have ids that begin with "{typed}": {listed}', "name one of them")
    return found[0] if found else typed
