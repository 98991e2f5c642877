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
    def run(self, version):
        return {region: str(self.parent_flow_exception(region, "SmokeTest")) for region in self.failures}


class Announce(SelinonTask):
    def run(self, version):
        return f"version {version or '1.0'} is everywhere"
