"""A release in three regions."""

from __future__ import annotations

from selinon_core import SelinonTask


class Deploy(SelinonTask):
    """One class, three tasks: ``task_name`` tells which one this is."""

    def run(self, version):
        return {"region": self.task_name.removeprefix("Deploy"), "version": version or "1.0"}


class SmokeTest(SelinonTask):
    def run(self, version):
        (deployed,) = self.parent
        if version == f"broken-in-{self.flow_name}":
            raise RuntimeError(f"{self.flow_name} does not answer after {deployed}")
        return "ok"


class RollBack(SelinonTask):
    """Returns why, for the region that failed: its Deploy or its SmokeTest."""

    def run(self, version):
        return {
            region: "; ".join(str(self.parent_flow_exception(region, task)) for task in tasks)
            for region, tasks in self.failures.items()
        }


class Announce(SelinonTask):
    def run(self, version):
        return f"version {version or '1.0'} is everywhere"
