"""Tasks that tests name."""

from __future__ import annotations

from typing import Any

from selinon import SelinonTask


class Fetch(SelinonTask):
    def run(self, node_args: Any) -> Any:
        return {"got": node_args}


class Tell(SelinonTask):
    def run(self, node_args: Any) -> Any:
        return None
