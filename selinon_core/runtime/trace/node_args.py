"""The trace of arguments that expressions give: an event for each item, or one where there is no foreach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.plan import EdgePlan
from selinon_core.plan.template_text import sources_of
from selinon_core.runtime.json_values import LONGEST_SHOWN, shortened


def details_of(question: do.AskArgs, given: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """What ``NODE_ARGS`` says: who is given what, from where, and why not."""
    entry = question.entry
    assert entry.args is not None
    about: dict[str, Any] = {
        "edge": entry.index if isinstance(entry, EdgePlan) else None,
        "nodes_to": list(question.destinations),
        "where": str(entry.args.place),
        "parent": {run.name: run.id for run in question.sources},
        "args_from": sources_of(entry.args),
    }
    if not isinstance(entry, EdgePlan):
        about["nodes"] = list(entry.nodes)
    for position, each in zip(question.positions, given, strict=False):
        details = about | {"item": None if question.items is None else position}
        if each[0]:
            yield details | {"args": None, "what": each[1]}
            continue
        args = each[1]
        details["args"] = (
            {key: shortened(part, LONGEST_SHOWN) for key, part in args.items()}
            if isinstance(args, dict)
            else shortened(args, LONGEST_SHOWN)
        )
        details["what"] = None
        if len(each) > 2 and each[2]:
            details["refused"] = each[2]
        yield details
