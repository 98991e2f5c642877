"""Which types the fields of a recorded event have, as far as a replay reads them.

A history is a file that people may have edited, cut or converted. Its events are checked before the replay, so
that a wrong field is reported with its line, and the replay can rely on the types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class FieldType(NamedTuple):
    """What a field may hold: ``name`` is for messages."""

    name: str
    accepts: Callable[[Any], bool]


def check_fields(event: str, details: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` for the first field of an event that a replay cannot read."""
    for field, expected in (_FIELDS_OF_ALL | _FIELDS.get(event, {})).items():
        if field not in details:
            if field in _REQUIRED.get(event, ()):
                raise ValueError(f"{event} has no field {field}")
        elif not expected.accepts(details[field]):
            raise ValueError(f"{field} of {event} has to be {expected.name}, and is {_shown(details[field])}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_parent(value: Any) -> bool:
    """Ids by the name of a node: of a task one or several, of a sub-flow again a mapping; null for none."""
    return value is None or (
        isinstance(value, dict)
        and all(isinstance(ids, str) or _is_text_list(ids) or _is_parent(ids) for ids in value.values())
    )


def _is_selection(value: Any) -> bool:
    """What ``SelectiveRun.from_json`` reads: names, and per flow the destinations by the index of an edge."""
    if value is None:
        return True
    if not isinstance(value, dict) or not _is_text_list(value.get("tasks")):
        return False
    edges = value.get("edges")
    return isinstance(edges, dict) and all(
        isinstance(rows, dict) and all(key.isdecimal() and _is_text_list(to) for key, to in rows.items())
        for rows in edges.values()
    )


_TEXT = FieldType("text", lambda value: isinstance(value, str))
_TEXT_OR_NULL = FieldType("text or null", lambda value: value is None or isinstance(value, str))
_PARENT = FieldType("a mapping of nodes to ids or null", _is_parent)
_TEXTS = FieldType("a list of names", _is_text_list)
_INDEX = FieldType("the index of an edge", _is_index)
_COUNT = FieldType("a count or null", lambda value: value is None or _is_index(value))
_ITEMS = FieldType("a list or null", lambda value: value is None or isinstance(value, list))
_SELECTION = FieldType('a selection {"tasks": [...], "edges": {...}} or null', _is_selection)

_FIELDS_OF_ALL = {"flow_name": _TEXT_OR_NULL, "dispatcher_id": _TEXT_OR_NULL}
_EDGE = {"edge": _INDEX, "nodes_from": _TEXTS, "nodes_to": _TEXTS}
_QUESTION = {**_EDGE, "parent": _PARENT}
_NODE = {"node_name": _TEXT, "node_id": _TEXT}

_FIELDS: dict[str, dict[str, FieldType]] = {
    "FLOW_START": {"parent": _PARENT, "selective": _SELECTION},
    "TASK_SCHEDULE": {**_QUESTION, "task_name": _TEXT, "task_id": _TEXT},
    "SUBFLOW_SCHEDULE": {**_QUESTION, "child_flow_name": _TEXT, "child_dispatcher_id": _TEXT},
    "NODE_SUCCESSFUL": _NODE,
    "NODE_FAILURE": _NODE,
    "EDGE_COND_TRUE": _QUESTION,
    "EDGE_COND_FALSE": _QUESTION,
    "FOREACH_RESULT": {**_QUESTION, "count": _COUNT, "result": _ITEMS},
    "SELECTIVE_RUN_FUNC": {"node_name": _TEXT, "parent": _PARENT, "result": _TEXT_OR_NULL},
    "DISPATCHER_RETRY": _EDGE,
}

_REQUIRED: dict[str, tuple[str, ...]] = {
    "TASK_SCHEDULE": ("task_name", "task_id"),
    "SUBFLOW_SCHEDULE": ("child_flow_name", "child_dispatcher_id"),
    "NODE_SUCCESSFUL": ("node_name", "node_id"),
    "NODE_FAILURE": ("node_name", "node_id"),
    "SELECTIVE_RUN_FUNC": ("node_name",),
}
