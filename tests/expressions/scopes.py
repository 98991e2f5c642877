"""A scope of plain values: nodes, ``args``, ``item``, ``index`` by name, families as objects of their members."""

from __future__ import annotations

from typing import Any

from selinon_core.expressions.evaluate import MissingValue

FAMILIES = ("failed", "all", "last", "vars", "env", "flow")


class Values:
    """``Values(LoadOrder={"total": 3}, vars={"currency": "EUR"})``; nodes that are not given did not run."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def value(self, kind: str, name: str) -> Any:
        found = self.values.get(kind, {}) if kind in FAMILIES else self.values
        if name not in found:
            raise MissingValue(f"there is no {kind} {name}")
        return found[name]
