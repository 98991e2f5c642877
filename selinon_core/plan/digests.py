"""Digests of flows: whether what a flow means has changed, wherever it stands in its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from selinon_core.plan.json_form import plan_to_json
from selinon_core.plan.model import FlowPlan, Plan
from selinon_core.plan.started import nodes_of


def flow_digests(plan: Plan) -> dict[str, str]:
    """16 hexadecimal digits for each flow, which change with the flow, its tasks and the flows that it starts."""
    import hashlib
    import json

    whole = plan_to_json(plan)
    texts = {
        kind: {one["name"]: json.dumps(_what_it_does(one), sort_keys=True) for one in whole[kind]}
        for kind in ("flows", "tasks")
    }
    return {
        name: hashlib.sha256(
            "\n".join(
                texts["flows"].get(node) or texts["tasks"].get(node, "") for node in _below(plan, name)
            ).encode()
        ).hexdigest()[:16]
        for name in plan.flows
    }


def _below(plan: Plan, flow: str) -> list[str]:
    """The flow, the nodes that it may start, and those that these may start."""
    found = [flow]
    for name in found:
        if name in plan.flows:
            found += [node for node in nodes_of(plan.flows[name]) if node not in found]
    return found


def _what_it_does(definition: dict[str, Any]) -> Any:
    """A task or a flow without what runs do not depend on: places and tags."""
    what = _without_places(definition)
    what.pop("tags", None)
    return what


#: What holds data of users, in which any key may stand.
_DATA = frozenset(
    ("args", "configuration", "constants", "input_schema", "key", "labels", "output", "output_schema", "title")
)
_NESTED = (dict, list)


def _without_places(value: Any) -> Any:
    """A part of a plan as JSON without ``place``, ``where`` and what ends with ``_where``."""
    if isinstance(value, dict):
        # Most items are text, numbers or None: these are not worth a call.
        return {
            key: (_data if key in _DATA else _without_places)(item) if isinstance(item, _NESTED) else item
            for key, item in value.items()
            if key != "place" and not key.endswith("where")
        }
    return [_without_places(item) for item in value] if isinstance(value, list) else value


def _data(value: Any) -> Any:
    """Data of users without the places of the expressions in it; a key of users is no ``$``."""
    if isinstance(value, dict):
        if "$" in value:
            return {"$": value["$"]}
        return {key: _data(item) for key, item in value.items()}
    return [_data(item) for item in value] if isinstance(value, list) else value


def task_digests(plan: Plan, names: Iterable[str]) -> dict[str, str]:
    """8 hexadecimal digits for each of these tasks, which change with what the files say about it."""
    from selinon_core.plan.json_form import task_json

    digest = _digester()
    return {name: digest(_what_it_does(task_json(plan.tasks[name]))) for name in names}


def edge_digests(flow: FlowPlan) -> dict[int, str]:
    """By index, 8 hexadecimal digits for each edge, which change with it but not with its place in the file."""
    from selinon_core.plan.json_edges import edge_json

    digest = _digester()
    return {edge.index: digest(_without_places({**edge_json(edge), "index": 0})) for edge in flow.edges}


def _digester() -> Callable[[Any], str]:
    """Digests of definitions without places; ``json.dumps`` would make an encoder for each of them."""
    import hashlib
    import json

    encode = json.JSONEncoder(sort_keys=True).encode
    return lambda value: hashlib.sha256(encode(value).encode()).hexdigest()[:8]
