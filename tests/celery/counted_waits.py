"""Tasks around those that wait for signals: they note that they ran."""

from __future__ import annotations

from typing import Any

from selinon_core import SelinonTask

RAN: list[str] = []


class Noting(SelinonTask):
    """Notes that it ran."""

    def run(self, node_args: Any) -> Any:
        RAN.append(self.task_name)
        return {"n": 1}


def ran() -> list[str]:
    """The names of the tasks that ran, in order."""
    return list(RAN)
