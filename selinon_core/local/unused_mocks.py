"""Mocks that decided nothing in a run."""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.cases.references import edge_text, fallback_text
from selinon_core.diagnostics.location import Place
from selinon_core.local.driver_state import DriverState


class UnusedMock(NamedTuple):
    """A mock or a rule of one that decided nothing; ``text`` names it. Equal for equal mocks of several runs."""

    text: str
    place: Place | None


def unused_mocks(state: DriverState) -> list[UnusedMock]:
    """The mocks and rules of the options that decided nothing in a run."""
    mocks = state.options.mocks
    if mocks is None:
        return []
    used = {id(use.rule) for use in state.scripts.uses}
    unused = []
    for name, mock in mocks.nodes.items():
        idle = [rule for rule in mock.rules if id(rule) not in used]
        if len(idle) == len(mock.rules):
            unused.append(UnusedMock(f"the mock of {name}", mock.place))
        else:
            unused += [UnusedMock(f"a rule of the mock of {name}", rule.place) for rule in idle]
    called = state.calls.mocked
    unused += [
        UnusedMock(f"the mock of the function {name}", function.place)
        for name, function in mocks.functions.items()
        if name not in called
    ]
    for one in mocks.conditions:
        if (one.flow, one.edge, one.is_fallback) not in state.conditions_asked:
            flow = state.plan.flows[one.flow]
            text = fallback_text(flow.failures[one.edge]) if one.is_fallback else edge_text(flow.edges[one.edge])
            unused.append(UnusedMock(f"the mock of the condition of {text}", one.place))
    return unused
