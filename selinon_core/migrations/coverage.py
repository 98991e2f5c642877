"""Is there a migration for everything that changed? A work tree judged against what is deployed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from selinon_core.errors import MigrationError
from selinon_core.migrations.repository import Migrations, versions_among
from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import FlowChange, compare_flows, explains


class Deployment(NamedTuple):
    """A project as it is deployed and as it is now. ``names`` are the files of migrations at ``revision``."""

    old: Plan
    new: Plan
    revision: str
    names: tuple[str, ...]

    def uncovered(self, migrations: Migrations) -> tuple[Uncovered, ...]:
        """The flows whose change no migration since accounts for; raises as the function ``uncovered``."""
        return uncovered(self.old, self.new, migrations, deployed_at(self.revision, self.names, migrations))


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


def deployed_at(revision: str, names: Iterable[str], migrations: Migrations) -> int:
    """The newest migration that was there at a git revision: those up to it count as deployed.

    ``names`` are the names of the files in the directory at the revision. Raises ``MigrationError`` for a
    migration that has been removed since.
    """
    assert migrations.directory is not None
    deployed = versions_among(names, migrations.directory)
    gone = sorted(set(deployed) - set(migrations.versions))
    if gone:
        raise MigrationError(f"{migrations.path(gone[0])} was there at {revision} and is gone: runs may need it")
    return max(deployed, default=0)
