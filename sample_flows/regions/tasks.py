"""A release in three regions."""

from __future__ import annotations

from typing import TypedDict

from selinon_core import SelinonTask


class Deployed(TypedDict):
    region: str
    version: str


class Deploy(SelinonTask):
    """One class, three tasks: ``task_name`` says which one this is."""

    def run(self, *, version: str) -> Deployed:
        return {"region": self.task_name.removeprefix("Deploy"), "version": version}


class SmokeTest(SelinonTask):
    def run(self, *, region: str, version: str) -> str:
        if version == f"broken-in-{region.lower()}":
            raise RuntimeError(f"{region} does not answer after its deployment of {version}")
        return "ok"


class RollBack(SelinonTask):
    """Returns why, for the region that failed: its Deploy or its SmokeTest.

    ``self.failures`` has what failed inside of a region. In an expression, ``failed.europe`` is the whole region.
    """

    def run(self, node_args):
        return {
            region: "; ".join(str(self.parent_flow_exception(region, task)) for task in tasks)
            for region, tasks in self.failures.items()
        }


class Announce(SelinonTask):
    def run(self, *, version: str) -> str:
        return f"version {version} is everywhere"
