"""Edges, failures entries and their conditions as JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.plan.json_data import place_json, read_place, read_reference, reference_json, unwrap, wrap
from selinon_core.plan.json_expressions import (
    expression_json,
    read_expression,
    read_template,
    template_json,
    where_json,
)
from selinon_core.plan.model import (
    And,
    Condition,
    EdgePlan,
    FailurePlan,
    Foreach,
    ForeachItems,
    Leaf,
    Not,
    Or,
    Selective,
    Template,
    Test,
)

# --- there --------------------------------------------------------------------------------------------------


def condition_json(condition: Condition | None) -> dict[str, Any] | None:
    """A condition as a tree."""
    if condition is None:
        return None
    if isinstance(condition, Test):
        return expression_json(condition.expression)
    if isinstance(condition, Not):
        return {"not": condition_json(condition.operand)}
    if isinstance(condition, And | Or):
        return {condition.kind: [condition_json(operand) for operand in condition.operands]}
    return {
        "function": reference_json(condition.function),
        "node": None if condition.node is None else list(condition.node),
        "args": wrap(condition.args),
        "quantifier": condition.quantifier,
        "place": place_json(condition.place),
    }


def edge_json(edge: EdgePlan) -> dict[str, Any]:
    """An edge; ``args`` only where it has some."""
    return {
        "index": edge.index,
        "from": list(edge.sources),
        "to": list(edge.destinations),
        "condition": condition_json(edge.condition),
        "foreach": _foreach(edge.foreach),
        "selective": _selective(edge.selective),
        "name": edge.name,
        "place": place_json(edge.place),
        **_args(edge.args),
    }


def failure_json(failure: FailurePlan) -> dict[str, Any]:
    """A failures entry; ``args`` only where it has some."""
    return {
        "index": failure.index,
        "nodes": list(failure.nodes),
        "fallback": list(failure.fallback),
        "condition": condition_json(failure.condition),
        "propagate_failure": failure.propagate_failure,
        "place": place_json(failure.place),
        **_args(failure.args),
    }


def _args(args: Template | None) -> dict[str, Any]:
    return {} if args is None else {"args": template_json(args), "args_where": where_json(args)}


def _foreach(foreach: Foreach | ForeachItems | None) -> dict[str, Any] | None:
    if foreach is None:
        return None
    at_most = {} if foreach.at_most is None else {"at_most": foreach.at_most}
    if isinstance(foreach, ForeachItems):
        return {
            **expression_json(foreach.expression, "in"),
            "as": foreach.item_name,
            "place": place_json(foreach.place),
            **at_most,
        }
    return {
        "function": reference_json(foreach.function),
        "propagate_result": foreach.propagate_result,
        "place": place_json(foreach.place),
        **at_most,
    }


def _selective(selective: Selective | None) -> dict[str, Any] | None:
    if selective is None:
        return None
    subsequent = selective.run_subsequent
    return {
        "tasks": list(selective.tasks),
        "follow_subflows": selective.follow_subflows,
        "run_subsequent": subsequent if isinstance(subsequent, bool) else list(subsequent),
    }


# --- and back -----------------------------------------------------------------------------------------------


def read_condition(data: Mapping[str, Any] | None) -> Condition | None:
    """The inverse of ``condition_json``."""
    return None if data is None else _read_tree(data)


def _read_tree(data: Mapping[str, Any]) -> Condition:
    if "expr" in data:
        return Test(read_expression(data))
    if "not" in data:
        return Not(_read_tree(data["not"]))
    for kind, group in (("and", And), ("or", Or)):
        if kind in data:
            return group(tuple(_read_tree(operand) for operand in data[kind]))
    node = data["node"]
    return Leaf(
        read_reference(data["function"]),
        None if node is None else tuple(node),
        unwrap(data["args"]),
        data["quantifier"],
        read_place(data["place"]),
    )


def read_edge(data: Mapping[str, Any]) -> EdgePlan:
    """The inverse of ``edge_json``."""
    return EdgePlan(
        data["index"],
        tuple(data["from"]),
        tuple(data["to"]),
        read_condition(data["condition"]),
        _read_foreach(data["foreach"]),
        _read_selective(data["selective"]),
        data["name"],
        read_place(data["place"]),
        _read_args(data),
    )


def read_failure(data: Mapping[str, Any]) -> FailurePlan:
    """The inverse of ``failure_json``."""
    return FailurePlan(
        data["index"],
        tuple(data["nodes"]),
        tuple(data["fallback"]),
        read_condition(data["condition"]),
        data["propagate_failure"],
        read_place(data["place"]),
        _read_args(data),
    )


def _read_args(data: Mapping[str, Any]) -> Template | None:
    return read_template(data["args"], data["args_where"]) if "args" in data else None


def _read_foreach(data: Mapping[str, Any] | None) -> Foreach | ForeachItems | None:
    if data is None:
        return None
    place, at_most = read_place(data["place"]), data.get("at_most")
    if "in" in data:
        return ForeachItems(read_expression(data, "in"), data["as"], place, at_most)
    return Foreach(read_reference(data["function"]), data["propagate_result"], place, at_most)


def _read_selective(data: Mapping[str, Any] | None) -> Selective | None:
    if data is None:
        return None
    subsequent = data["run_subsequent"]
    return Selective(
        tuple(data["tasks"]),
        data["follow_subflows"],
        subsequent if isinstance(subsequent, bool) else tuple(subsequent),
    )
