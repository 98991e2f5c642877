"""Is there a migration for everything that changed? A work tree judged against what is deployed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from selinon_core.errors import MigrationError
from selinon_core.flow_change import FlowChange, compare_flows, explains
from selinon_core.migrations.catalog import Migrations, versions_among
from selinon_core.plan import Plan


class Uncovered(NamedTuple):
    """A flow whose graph changed, and what its migrations since (``versions``) do not account for."""

    flow: str
    change: FlowChange
    versions: tuple[int, ...]


def uncovered(old: Plan, new: Plan, migrations: Migrations, since: int) -> tuple[Uncovered, ...]:
    """The flows of both plans whose change the migrations behind version ``since`` do not account for.

    Raises ``MigrationError`` when a file is wrong or missing.
    """
    found = []
    for name, before in old.flows.items():
        if name not in new.flows:
            continue
        steps = migrations.steps(name, min(since, migrations.latest))
        if not explains(steps, before, new.flows[name]):
            change = compare_flows(before, new.flows[name])
            found.append(Uncovered(name, change, tuple(step.version for step in steps)))
    return tuple(found)


def uncovered_since(
    revision: str, paths: Sequence[str], new: Plan, directory: str, *, pythonpath: Iterable[str] = ()
) -> tuple[Plan, tuple[Uncovered, ...]]:
    """The plan as of a git revision, and the flows whose change since the files in ``directory`` do not cover.

    Migrations that were there at the revision count as deployed with it. Raises ``RequestError`` without git,
    repository or revision and for a directory outside of it, ``ConfigurationError`` when the project had errors,
    ``MigrationError`` when a file is wrong, missing, or was there and is not any more.
    """
    from selinon_core.revision import names_at, plan_at

    old = plan_at(revision, paths, pythonpath=pythonpath)
    migrations = Migrations.load(directory)
    deployed = versions_among(names_at(revision, directory), directory)
    gone = sorted(set(deployed) - set(migrations.versions))
    if gone:
        raise MigrationError(f"{migrations.path(gone[0])} was there at {revision} and is gone: runs may need it")
    return old, uncovered(old, new, migrations, max(deployed, default=0))
