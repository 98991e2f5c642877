"""What an edge or a failures entry is, whatever its index: hits of an older plan count for the same one."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from selinon_core.plan import Condition, EdgePlan, FailurePlan, FlowPlan, Foreach, Leaf, Not, Test

#: element -> what it is, as 12 hex digits: ``{"edge:0": "5f0c...", "failure:0": "..."}``
Elements = Mapping[str, str]


def elements_of(flow: FlowPlan) -> dict[str, str]:
    """The edges and failures entries of a flow: ends, condition and foreach; neither places nor names."""
    found = {f"edge:{edge.index}": _digest(_edge(edge)) for edge in flow.edges}
    return found | {f"failure:{entry.index}": _digest(_failure(entry)) for entry in flow.failures}


def translation(old: Elements, new: Elements) -> dict[str, str]:
    """Old elements to the new ones that are the same; of several equal ones the first is the first."""
    waiting: dict[str, list[str]] = {}
    for element, digest in reversed(list(new.items())):
        waiting.setdefault(digest, []).append(element)
    found = {}
    for element, digest in old.items():
        same = waiting.get(digest)
        if same:
            found[element] = same.pop()
    return found


def _digest(value: Any) -> str:
    return blake2b(repr(value).encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()


def _edge(edge: EdgePlan) -> Any:
    foreach: Any = None
    if isinstance(edge.foreach, Foreach):
        foreach = (*edge.foreach.function, edge.foreach.propagate_result)
    elif edge.foreach is not None:
        foreach = edge.foreach.text, edge.foreach.item_name
    return "edge", edge.sources, edge.destinations, _condition(edge.condition), foreach, edge.selective


def _failure(entry: FailurePlan) -> Any:
    return "failure", entry.nodes, entry.fallback, _condition(entry.condition), entry.propagate_failure


def _condition(condition: Condition | None) -> Any:
    if condition is None:
        return None
    if isinstance(condition, Leaf):
        args = _sorted(dict(condition.args))
        return *condition.function, condition.node, args, condition.quantifier
    if isinstance(condition, Test):
        return "expr", condition.text
    if isinstance(condition, Not):
        return "not", _condition(condition.operand)
    return condition.kind, *(_condition(operand) for operand in condition.operands)


def _sorted(value: Any) -> Any:
    """A value whose text does not depend on the order in which the keys of its mappings are written."""
    if isinstance(value, Mapping):
        return [(repr(key), _sorted(item)) for key, item in sorted(value.items(), key=lambda pair: repr(pair[0]))]
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value
