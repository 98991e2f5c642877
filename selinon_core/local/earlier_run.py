"""Reports of earlier runs, as ``LocalRun.report`` gives them, held against their form before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.plan.started import flows_below

_Kinds = tuple[type, ...]
_TEXT: _Kinds = (str,)
_TIME: _Kinds = (int, float, type(None))
_NODE: dict[str, _Kinds] = {"id": _TEXT, "name": _TEXT, "kind": _TEXT, "flow": _TEXT, "status": _TEXT}
_MORE_OF_NODE: dict[str, _Kinds] = {
    "attempts": (int,),
    "started_at": _TIME,
    "finished_at": _TIME,
    "real_seconds": _TIME,
    "error": (dict, type(None)),
}
_EDGE: dict[str, _Kinds] = {"flow": _TEXT, "index": (int,), "from": (list,), "to": (list,)}
_MORE_OF_EDGE: dict[str, _Kinds] = {"considered": (int,), "fired": (int,)}
_NAMES = {
    str: "text",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}


def check_report(report: Any) -> Mapping[str, Any]:
    """Return a report that has the form of one; raises ``RequestError`` that names the first part that has not."""
    if not isinstance(report, dict):
        raise RequestError(f"it is {_kind(report)}")
    nodes = report.get("nodes")
    if not isinstance(nodes, list):
        raise RequestError(f"nodes is {_kind(nodes)}, not a list" if "nodes" in report else "it has no nodes")
    for number, node in enumerate(nodes):
        _check(node, f"nodes[{number}]", _NODE, _MORE_OF_NODE)
    edges = report.get("edges", [])
    if not isinstance(edges, list):
        raise RequestError(f"edges is {_kind(edges)}, not a list")
    for number, edge in enumerate(edges):
        _check(edge, f"edges[{number}]", _EDGE, _MORE_OF_EDGE)
        for end in ("from", "to"):
            if not all(isinstance(name, str) for name in edge[end]):
                raise RequestError(f"edges[{number}].{end} is not a list of names")
    return report


def check_reusable(report: Mapping[str, Any], plan: Plan, flow: str) -> None:
    """Raise ``RequestError`` unless an earlier run had to do with a flow or with what it may start."""
    if "flow" not in report:
        return
    took_part = {str(report["flow"]), *(node["flow"] for node in report["nodes"])}
    if not took_part.intersection(flows_below(plan, flow)):
        raise RequestError(
            f"the report is about the flow {report['flow']!r}, and nothing of it is in flow {flow!r}"
        )


def _check(row: Any, where: str, required: Mapping[str, _Kinds], others: Mapping[str, _Kinds]) -> None:
    if not isinstance(row, dict):
        raise RequestError(f"{where} is {_kind(row)}, not a mapping")
    for key, kinds in required.items():
        if key not in row:
            raise RequestError(f"{where} has no {key}")
        _check_kind(row[key], f"{where}.{key}", kinds)
    for key, kinds in others.items():
        if key in row:
            _check_kind(row[key], f"{where}.{key}", kinds)


def _check_kind(value: Any, where: str, kinds: _Kinds) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise RequestError(f"{where} is {_kind(value)}, not {_NAMES[kinds[0]]}")


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), "a bool" if isinstance(value, bool) else "something else")
