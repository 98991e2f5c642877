"""Plans as JSON and back: ``plan_from_json(plan_to_json(plan)) == plan``, through ``json.dumps`` as well.

The form is made of mappings, lists, text, numbers, booleans and null. Data of users that JSON has no form for
(keys that are no text, infinite numbers) is wrapped in a mapping with one key beginning with ``$``.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite, nan
from typing import Any

from selinon_core.diagnostics.location import Place
from selinon_core.plan.model import (
    And,
    CachePlan,
    Condition,
    EdgePlan,
    FailurePlan,
    FlowPlan,
    Foreach,
    ImportRef,
    Leaf,
    Not,
    Or,
    Plan,
    Selective,
    Settings,
    StoragePlan,
    Strategy,
    TaskPlan,
)

VERSION = 1


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON data; sets become sorted lists."""
    settings = plan.settings
    return {
        "version": VERSION,
        "tasks": [_task(task) for task in plan.tasks.values()],
        "flows": [_flow(flow) for flow in plan.flows.values()],
        "storages": [_storage(storage) for storage in plan.storages.values()],
        "settings": {**_as_dict(settings), "trace": [_wrap(sink) for sink in settings.trace]},
    }


def plan_from_json(data: Mapping[str, Any]) -> Plan:
    """The plan that ``plan_to_json`` made ``data`` of.

    Raises ``ValueError`` when the data is of another version, ``KeyError`` or ``TypeError`` when it is not a plan.
    """
    if data.get("version") != VERSION:
        raise ValueError(f"a plan of version {data.get('version')!r} cannot be read, only {VERSION}")
    tasks = [_read_task(task) for task in data["tasks"]]
    flows = [_read_flow(flow) for flow in data["flows"]]
    storages = [_read_storage(storage) for storage in data["storages"]]
    settings = dict(data["settings"])
    settings["trace"] = tuple(_unwrap(sink) for sink in settings["trace"])
    return Plan(
        {task.name: task for task in tasks},
        {flow.name: flow for flow in flows},
        {storage.name: storage for storage in storages},
        Settings(**settings),
    )


# --- there --------------------------------------------------------------------------------------------------


def _wrap(value: Any) -> Any:
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _wrap(item) for key, item in value.items()}
        return {"$map": [[_wrap(key), _wrap(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_wrap(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return {"$float": str(value)}
    return value


def _as_dict(part: Any) -> dict[str, Any]:
    """The fields of a named tuple, without those that have their default."""
    defaults = part._field_defaults
    return {
        name: value for name, value in part._asdict().items() if not (name in defaults and defaults[name] == value)
    }


def _place(place: Place) -> list[Any]:
    return list(place)


def _import(ref: ImportRef | None) -> dict[str, str] | None:
    return None if ref is None else {"module": ref.module, "name": ref.name}


def _cache(cache: CachePlan | None) -> dict[str, Any] | None:
    if cache is None:
        return None
    return {"function": _import(cache.function), "configuration": _wrap(cache.configuration)}


def _task(task: TaskPlan) -> dict[str, Any]:
    data = _as_dict(task)
    data["function"] = _import(task.function)
    data["selective_run_function"] = _import(task.selective_run_function)
    data["place"] = _place(task.place)
    return data


def _storage(storage: StoragePlan) -> dict[str, Any]:
    return {
        "name": storage.name,
        "function": _import(storage.function),
        "configuration": _wrap(storage.configuration),
        "cache": _cache(storage.cache),
        "place": _place(storage.place),
    }


def _condition(condition: Condition | None) -> dict[str, Any] | None:
    if condition is None:
        return None
    if isinstance(condition, Not):
        return {"not": _condition(condition.operand)}
    if isinstance(condition, And | Or):
        return {condition.kind: [_condition(operand) for operand in condition.operands]}
    return {
        "function": _import(condition.function),
        "node": None if condition.node is None else list(condition.node),
        "args": _wrap(condition.args),
        "quantifier": condition.quantifier,
        "place": _place(condition.place),
    }


def _edge(edge: EdgePlan) -> dict[str, Any]:
    foreach = selective = None
    if edge.foreach is not None:
        foreach = {
            "function": _import(edge.foreach.function),
            "propagate_result": edge.foreach.propagate_result,
            "place": _place(edge.foreach.place),
            **({} if edge.foreach.at_most is None else {"at_most": edge.foreach.at_most}),
        }
    if edge.selective is not None:
        subsequent = edge.selective.run_subsequent
        selective = {
            "tasks": list(edge.selective.tasks),
            "follow_subflows": edge.selective.follow_subflows,
            "run_subsequent": subsequent if isinstance(subsequent, bool) else list(subsequent),
        }
    return {
        "index": edge.index,
        "from": list(edge.sources),
        "to": list(edge.destinations),
        "condition": _condition(edge.condition),
        "foreach": foreach,
        "selective": selective,
        "name": edge.name,
        "place": _place(edge.place),
    }


def _failure(failure: FailurePlan) -> dict[str, Any]:
    return {
        "index": failure.index,
        "nodes": list(failure.nodes),
        "fallback": list(failure.fallback),
        "condition": _condition(failure.condition),
        "propagate_failure": failure.propagate_failure,
        "place": _place(failure.place),
    }


_SETS = (
    "nowait",
    "eager_failures",
    "propagate_node_args",
    "propagate_parent",
    "propagate_finished",
    "propagate_compound_finished",
    "propagate_failures",
    "propagate_compound_failures",
    "propagate_parent_failures",
)


def _flow(flow: FlowPlan) -> dict[str, Any]:
    data = _as_dict(flow)
    data["edges"] = [_edge(edge) for edge in flow.edges]
    data["failures"] = [_failure(failure) for failure in flow.failures]
    for name in _SETS:
        data[name] = sorted(data[name])
    data["sampling"] = {"function": _import(flow.sampling.function), "args": _wrap(flow.sampling.args)}
    data["cache"] = _cache(flow.cache)
    data["place"] = _place(flow.place)
    return data


# --- and back -----------------------------------------------------------------------------------------------

_FLOATS = {"inf": inf, "-inf": -inf, "nan": nan}


def _unwrap(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "$map" in value:
            return {_unwrap(key): _unwrap(item) for key, item in value["$map"]}
        if "$float" in value:
            return _FLOATS[value["$float"]]
        return {key: _unwrap(item) for key, item in value.items()}
    return [_unwrap(item) for item in value] if isinstance(value, list) else value


def _read_place(data: Any) -> Place:
    return Place(*data)


def _read_ref(data: Any) -> ImportRef:
    return ImportRef(data["module"], data["name"])


def _read_cache(data: Any) -> CachePlan | None:
    return None if data is None else CachePlan(_read_ref(data["function"]), _unwrap(data["configuration"]))


def _read_task(data: Mapping[str, Any]) -> TaskPlan:
    selective = data["selective_run_function"]
    return TaskPlan(
        **{
            **data,
            "function": _read_ref(data["function"]),
            "selective_run_function": None if selective is None else _read_ref(selective),
            "place": _read_place(data["place"]),
        }
    )


def _read_storage(data: Mapping[str, Any]) -> StoragePlan:
    return StoragePlan(
        data["name"],
        _read_ref(data["function"]),
        _unwrap(data["configuration"]),
        _read_cache(data["cache"]),
        _read_place(data["place"]),
    )


def _read_some(data: Any) -> Condition | None:
    return None if data is None else _read_condition(data)


def _read_condition(data: Mapping[str, Any]) -> Condition:
    if "not" in data:
        return Not(_read_condition(data["not"]))
    for kind, group in (("and", And), ("or", Or)):
        if kind in data:
            return group(tuple(_read_condition(operand) for operand in data[kind]))
    node = data["node"]
    return Leaf(
        _read_ref(data["function"]),
        None if node is None else tuple(node),
        _unwrap(data["args"]),
        data["quantifier"],
        _read_place(data["place"]),
    )


def _read_edge(data: Mapping[str, Any]) -> EdgePlan:
    foreach, selective = data["foreach"], data["selective"]
    if foreach is not None:
        place = _read_place(foreach["place"])
        foreach = Foreach(
            _read_ref(foreach["function"]), foreach["propagate_result"], place, foreach.get("at_most")
        )
    if selective is not None:
        subsequent = selective["run_subsequent"]
        selective = Selective(
            tuple(selective["tasks"]),
            selective["follow_subflows"],
            subsequent if isinstance(subsequent, bool) else tuple(subsequent),
        )
    return EdgePlan(
        data["index"],
        tuple(data["from"]),
        tuple(data["to"]),
        _read_some(data["condition"]),
        foreach,
        selective,
        data["name"],
        _read_place(data["place"]),
    )


def _read_failure(data: Mapping[str, Any]) -> FailurePlan:
    return FailurePlan(
        data["index"],
        tuple(data["nodes"]),
        tuple(data["fallback"]),
        _read_some(data["condition"]),
        data["propagate_failure"],
        _read_place(data["place"]),
    )


def _read_flow(data: Mapping[str, Any]) -> FlowPlan:
    sampling = data["sampling"]
    return FlowPlan(
        **{
            **data,
            "edges": tuple(_read_edge(edge) for edge in data["edges"]),
            "failures": tuple(_read_failure(failure) for failure in data["failures"]),
            **{name: frozenset(data[name]) for name in _SETS},
            "sampling": Strategy(_read_ref(sampling["function"]), _unwrap(sampling["args"])),
            "cache": _read_cache(data["cache"]),
            "place": _read_place(data["place"]),
        }
    )
