"""The messages: JSON keyword arguments of the two Celery tasks, checked before anything is done with them.

They hold identifiers and a node's own arguments. What would grow with the flow (parents of a large join) or is
large by itself stays in the state store as the payload of the node run (``has_payload``) and is fetched from
there.

Every message carries the number of its format (``v``). One of a larger number than this worker knows is left to
newer workers (``FormatSkew``); fields that are not known are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from selinon_core.dispatch import SelectiveRun
from selinon_core.errors import FormatSkew, MessageRefused

#: The format of the messages that this worker sends; it reads those of smaller numbers too.
FORMAT = 1
#: Parents, failures and origins above this many characters of JSON go to the store; arguments have more.
MOST_INLINE = 1024
MOST_ARGUMENTS = 65536
#: The size of the JSON of what ``is_small``, at the most, in characters.
SMALL = 1000

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class NodeMessage(NamedTuple):
    """Run a task: node run ``number`` of flow run ``id``, for the ``serial``-th time."""

    flow: str
    id: str
    number: int
    task: str
    args: Any
    parent: dict[str, Any]
    failures: dict[str, Any]
    result_locations: dict[str, str]
    delivery: int
    has_payload: bool
    trace: str = ""

    def with_payload(self, text: str | None) -> NodeMessage:
        """The message with what the store kept for it."""
        if text is None:
            return self
        payload = json.loads(text)
        return self._replace(
            **{key: payload[key] for key in ("args", "parent", "failures", "result_locations") if key in payload}
        )


class StartMessage(NamedTuple):
    """Begin a flow run; ``up`` is (flow run id, node run number, flow name) of the caller of a sub-flow."""

    flow: str
    id: str
    args: Any
    parent: dict[str, Any]
    failures: dict[str, Any] | None
    selective: dict[str, Any] | None
    result_locations: dict[str, str]
    caller: tuple[str, int, str] | None
    delivery: int
    has_payload: bool
    trace: str = ""

    def with_payload(self, text: str | None) -> StartMessage:
        """The message with what the store kept for it."""
        if text is None:
            return self
        payload = json.loads(text)
        return self._replace(
            **{key: payload[key] for key in ("args", "parent", "failures", "result_locations") if key in payload}
        )


class WakeMessage(NamedTuple):
    """Look after a flow run: something of it is due. ``cancel``: and cancel it."""

    flow: str
    id: str
    cancel: bool


def split_payload(parts: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """What of args, parent, failures and origins may travel, and the text of the rest (None: nothing)."""
    inline: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for key, value in parts.items():
        if not value and key != "args":
            continue
        limit = MOST_ARGUMENTS if key == "args" else MOST_INLINE
        (inline if is_small(value) or len(_encode(value)) <= limit else kept)[key] = value
    return inline, _encode(kept) if kept else None


def is_small(value: Any) -> bool:
    """Whether it is obvious that a value's JSON is small: most are, and encoding twice costs."""
    kind = value.__class__
    if kind is str:
        return len(value) < 150
    if kind is dict and len(value) < 8:
        return all(v.__class__ in _SCALARS or (v.__class__ is str and len(v) < 100) for v in value.values())
    return kind in _SCALARS


_SCALARS = frozenset({type(None), bool, int, float})


def read_nodes(kwargs: Mapping[str, Any], most_bytes: int) -> tuple[NodeMessage, ...]:
    """Check the arguments of ``selinon.SelinonTaskEnvelope``: one node run, or several (``nodes``).

    Raises ``MessageRefused``, and ``FormatSkew`` for a message of a newer format.
    """
    nodes = kwargs.get("nodes")
    if nodes is None:
        return (read_node(kwargs, most_bytes),)
    _check_format(kwargs, most_bytes)
    if not isinstance(nodes, list) or not nodes or not all(isinstance(node, dict) for node in nodes):
        raise MessageRefused(f'"nodes" is no list of node runs: {str(nodes)[:50]!r}')
    shared = {"v": kwargs["v"], "flow": kwargs.get("flow"), "id": kwargs.get("id")}
    return tuple(read_node({**node, **shared}, most_bytes) for node in nodes)


def read_node(kwargs: Mapping[str, Any], most_bytes: int) -> NodeMessage:
    """Check the arguments that ask for one node run; raises as ``read_nodes``."""
    _check_format(kwargs, most_bytes)
    return NodeMessage(
        _name(kwargs, "flow"),
        _name(kwargs, "id"),
        _count(kwargs, "number", 1),
        _name(kwargs, "task"),
        kwargs.get("args"),
        _lineage(kwargs, "parent"),
        _lineage(kwargs, "failures"),
        _origins(kwargs),
        _count(kwargs, "delivery", 0),
        bool(kwargs.get("has_payload")),
    )


def read_dispatch(kwargs: Mapping[str, Any], most_bytes: int) -> StartMessage | WakeMessage:
    """Check the arguments of ``selinon.Dispatcher``; raises as ``read_nodes``."""
    _check_format(kwargs, most_bytes)
    do = kwargs.get("action")
    flow, id = _name(kwargs, "flow"), _name(kwargs, "id")
    if do in ("wake", "cancel"):
        return WakeMessage(flow, id, do == "cancel")
    if do != "start":
        raise MessageRefused(f"nothing is to be done about {str(do)[:50]!r}")
    up = kwargs.get("caller")
    if up is not None and not (
        isinstance(up, list)
        and len(up) == 3
        and _is_name(up[0])
        and isinstance(up[1], int)
        and not isinstance(up[1], bool)
        and _is_name(up[2])
    ):
        raise MessageRefused('"caller" is no caller')
    return StartMessage(
        flow,
        id,
        kwargs.get("args"),
        _lineage(kwargs, "parent"),
        _lineage(kwargs, "failures") or None,
        _selective(kwargs),
        _origins(kwargs),
        None if up is None else (up[0], up[1], up[2]),
        _count(kwargs, "delivery", 0),
        bool(kwargs.get("has_payload")),
    )


def is_v1_message(kwargs: Mapping[str, Any]) -> bool:
    """Whether a message is one of selinon 1.x: another deployment's, to be left to it."""
    return "v" not in kwargs and "flow_name" in kwargs


def _check_format(kwargs: Mapping[str, Any], most_bytes: int) -> None:
    version = kwargs.get("v")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise MessageRefused(f"its format is {str(version)[:20]!r}, which is not a number from 1 to {FORMAT}")
    if version > FORMAT:
        raise FormatSkew(f"a message of format {version}, and formats up to {FORMAT} are known here")
    if not all(is_small(value) for value in kwargs.values()):
        size = len(_encode(dict(kwargs)))
        if size > most_bytes:
            raise MessageRefused(f"a message of {size} bytes; selinon_max_message_bytes is {most_bytes}")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255


def _name(kwargs: Mapping[str, Any], key: str) -> str:
    value = kwargs.get(key)
    if not _is_name(value):
        raise MessageRefused(f'"{key}" is no name: {str(value)[:50]!r}')
    assert isinstance(value, str)
    return value


def _count(kwargs: Mapping[str, Any], key: str, least: int) -> int:
    value = kwargs.get(key, least)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise MessageRefused(f'"{key}" is no count: {str(value)[:50]!r}')
    return value


def _mapping(kwargs: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = kwargs.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MessageRefused(f'"{key}" is no mapping: {str(value)[:50]!r}')
    return value


def _lineage(kwargs: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Node run ids by name: one, several, or those of a sub-flow by name again."""
    value = _mapping(kwargs, key)
    if not _holds_ids(value):
        raise MessageRefused(f'"{key}" holds what is no id: {str(value)[:50]!r}')
    return value


def _holds_ids(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_holds_ids(item) for item in value.values())
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _origins(kwargs: Mapping[str, Any]) -> dict[str, str]:
    value = _mapping(kwargs, "result_locations")
    if not all(isinstance(flow, str) for flow in value.values()):
        raise MessageRefused(f'"result_locations" holds what is no flow: {str(value)[:50]!r}')
    return value


def _selective(kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    value = _mapping(kwargs, "selective")
    if not value:
        return None
    try:
        selective = SelectiveRun.from_json(value)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MessageRefused(f'"selective" is no selection: {str(value)[:50]!r}') from None
    if not all(isinstance(task, str) for task in selective.tasks):
        raise MessageRefused(f'"selective" names no tasks: {str(value)[:50]!r}')
    return value
