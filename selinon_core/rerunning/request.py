"""What a rerun is asked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

#: In place of arguments: those that were recorded.
RECORDED: Any = object()
#: What runs again when nothing is selected.
DEFAULT_SELECT = ("state:failed", "state:unfinished")


class Request(NamedTuple):
    """``select`` and ``exclude`` are selectors as texts. ``give``: a node, as a reference -> the result it gets.

    ``args`` are the arguments of the flow. ``reconsider``: conditions and foreach functions are asked again.
    ``if_changed``: what depends on a node runs again only if the node has another result than before.
    """

    select: tuple[str, ...] = DEFAULT_SELECT
    exclude: tuple[str, ...] = ()
    give: Mapping[str, Any] = {}
    args: Any = RECORDED
    reconsider: bool = False
    if_changed: bool = False

    @classmethod
    def from_json(cls, value: Mapping[str, Any], args: Any) -> Request:
        """As ``to_json`` wrote it, with given results by name and value; ``args`` if it has other ones."""
        return cls(
            tuple(value["select"]),
            tuple(value.get("exclude", ())),
            value.get("give", {}),
            args if value.get("args") else RECORDED,
            bool(value.get("reconsider")),
            bool(value.get("if_changed")),
        )

    def to_json(self) -> dict[str, Any]:
        """What of it differs from the default, as a report or a header has it; given results by name only."""
        found: dict[str, Any] = {"select": list(self.select)}
        if self.exclude:
            found["exclude"] = list(self.exclude)
        if self.give:
            found["give"] = sorted(self.give)
        if self.args is not RECORDED:
            found["args"] = True
        for name in ("reconsider", "if_changed"):
            if getattr(self, name):
                found[name] = True
        return found
