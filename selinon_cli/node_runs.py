"""Node runs of a flow run on workers, as commands name them: by name, by id, or ``NAME#2``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selinon_cli.exits import UsageError

#: The id of a flow run, and a node run in it as ``selinon status`` has it.
Row = tuple[str, Mapping[str, Any]]


def all_nodes(run: Mapping[str, Any]) -> Iterator[Row]:
    """The node runs of a run and of its sub-flows, each with the run that it is in."""
    for node in run["nodes"]:
        yield run["id"], node
        if "run" in node:
            yield from all_nodes(node["run"])


def named_nodes(nodes: Sequence[Row], wanted: str) -> list[Row]:
    """The node runs that a text names; raises ``UsageError`` where there are none."""
    name, mark, ordinal = wanted.partition("#")
    found = [(run, node) for run, node in nodes if wanted in (node["id"], node["name"])]
    if not found and mark:
        alike = [(run, node) for run, node in nodes if node["name"] == name]
        if ordinal.isascii() and ordinal.isdecimal() and 0 < int(ordinal) <= len(alike):
            return [alike[int(ordinal) - 1]]
        raise UsageError(f'there is no node run "{wanted}": {name} ran {len(alike)} times')
    if not found:
        from selinon_core.diagnostics.wording import suggestion

        names = sorted({node["name"] for _, node in nodes})
        raise UsageError(f'no node of the run is named "{wanted}"', suggestion(wanted, names))
    return found
