"""Small projects for tests: flows written as ``"A B -> C"``, tasks that do what the test says.

``build`` makes a plan of them, ``play`` runs one. A task that a test says nothing about returns None. Behaviours
are ``f(task, node_args)``; user functions of the project are those at the end of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from unittest.mock import patch

from selinon_core import SelinonTask
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.predicates import *  # noqa: F403  (as users do, to have both)
from selinon_core.project import compile_data, compile_text
from selinon_core.storage import DataStorage, SelinonMissingDataException

HERE = "tests.local.trying"
Behaviour = Callable[[Any, Any], Any]

#: What tasks and functions do in the test at hand.
behaviours: dict[str, Any] = {}


def build(
    flows: Mapping[str, Any],
    tasks: Mapping[str, Mapping[str, Any]] | None = None,
    storages: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Any,
) -> Plan:
    """The plan of some flows: name -> list of edges, or mapping with ``edges`` and whatever else a flow has.

    Tasks keep their results in storage ``S`` unless ``tasks`` says otherwise.
    """
    definitions = [_flow(name, flow) for name, flow in flows.items()]
    names = dict.fromkeys(n for flow in definitions for n in _nodes(flow) if n not in flows)
    declared = []
    for name in dict.fromkeys([*names, *(tasks or {})]):
        task = {"name": name, "import": HERE, "classname": "Acting", "storage": "S", **(tasks or {}).get(name, {})}
        declared.append({key: value for key, value in task.items() if value is not None})
    kept = {"S": {"classname": "Remembering"}, **(storages or {})}
    project = compile_data(
        {
            "tasks": declared,
            "storages": [{"name": name, "import": HERE, **storage} for name, storage in kept.items()],
            "global": {"predicates_module": HERE, **settings},
            "flow-definitions": definitions,
        }
    )
    assert project.plan is not None, [str(d) for d in project.diagnostics]
    return project.plan


def build_unchecked(*args: Any, **settings: Any) -> Plan:
    """The same without the rules about expressions: they find what these runs fail of."""
    with patch("selinon_core.lint.registry.rules_of_expressions", lambda: ()):
        return build(*args, **settings)


def build_text(text: str, name: str = "flow.yaml") -> Plan:
    """The plan of a YAML text, where places matter."""
    project = compile_text({name: text})
    assert project.plan is not None, [str(d) for d in project.diagnostics]
    return project.plan


def play(plan: Plan, node_args: Any = None, does: Mapping[str, Any] | None = None, **options: Any) -> LocalRun:
    """Run the first flow of a plan with the given behaviours of tasks and functions."""
    behaviours.clear()
    behaviours.update(does or {})
    Remembering.kept.clear()
    return LocalExecutor(plan, LocalOptions(**options)).run(next(iter(plan.flows)), node_args)


def names(run: LocalRun) -> list[str]:
    """The names of all node runs in the order they were scheduled."""
    return [node["name"] for node in run.nodes]


def node(run: LocalRun, name: str) -> dict[str, Any]:
    """The only node run of a name."""
    (found,) = [node for node in run.nodes if node["name"] == name]
    return found


def told(run: LocalRun, event: str) -> list[dict[str, Any]]:
    """The details of all events of a name, as the trace file has them."""
    return [line for line in run.trace() if line["event"] == event]


def failing(times: int, error: Exception | None = None, result: Any = None) -> Behaviour:
    """A task whose first attempts fail, counted over all of its runs."""
    attempts = iter(range(times))

    def act(task: Any, node_args: Any) -> Any:
        if next(attempts, None) is not None:
            raise error or ValueError(f"attempt {task.attempt} fails")
        return result

    return act


def _flow(name: str, flow: Any) -> dict[str, Any]:
    if isinstance(flow, (list, str)):
        flow = {"edges": flow}
    edges = [flow["edges"]] if isinstance(flow["edges"], str) else flow["edges"]
    definition = {"name": name, **flow, "edges": [_edge(edge) for edge in edges]}
    if "failures" in definition:
        definition["failures"] = [_failure(entry) for entry in definition["failures"]]
    return definition


def _edge(edge: Any) -> dict[str, Any]:
    text, more = (edge, {}) if isinstance(edge, str) else edge
    sources, destinations = text.split("->")
    return {"from": sources.split(), "to": destinations.split(), **more}


def _failure(entry: Any) -> dict[str, Any]:
    text, more = (entry, {}) if isinstance(entry, str) else entry
    failed, fallback = text.split("->")
    return {"nodes": failed.split(), "fallback": fallback.split() or True, **more}


def _nodes(flow: Mapping[str, Any]) -> Iterable[str]:
    for edge in flow["edges"]:
        yield from (*edge["from"], *edge["to"])
    for entry in flow.get("failures", ()):
        yield from () if entry["fallback"] is True else entry["fallback"]


# -- what the plans import ------------------------------------------------------------------------------------


class Acting(SelinonTask):
    """A task that does what the test says about its name."""

    def run(self, node_args: Any) -> Any:
        behaviour = behaviours.get(self.task_name)
        return None if behaviour is None else behaviour(self, node_args)


class Remembering(DataStorage):
    """A real storage in the sense of the options, which hands out what it was given, whatever that is."""

    kept: dict[tuple[str, str, str], Any] = {}

    def connect(self) -> None:
        self.connected = True

    def is_connected(self) -> bool:
        return getattr(self, "connected", False)

    def disconnect(self) -> None:
        self.connected = False

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        hook = behaviours.get("retrieve")
        if hook is not None:
            hook(flow_name, task_name, task_id)
        try:
            return self.kept[flow_name, task_name, task_id]
        except KeyError:
            raise SelinonMissingDataException(task_id) from None

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        hook = behaviours.get("store")
        if hook is not None:
            hook(flow_name, task_name, task_id)
        self.kept[flow_name, task_name, task_id] = result
        return f"record of {task_name}"

    def trace(self, event: str, report: dict[str, Any]) -> None:
        behaviours["traced"](event, report)


class StoringErrors(Remembering):
    """The same, and it keeps errors."""

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: Any) -> Any:
        behaviours["store_error"](task_name, node_args, exc_info)


class Picky(Remembering):
    """A storage that cannot be built."""

    def __init__(self, **configuration: Any) -> None:
        raise RuntimeError("no such disk")


class Caching:
    """A cache that does what the test says."""

    def __init__(self, **configuration: Any) -> None:
        behaviours.get("cache.init", lambda: None)()

    def add(self, item_id: str, item: Any, task_name: str | None = None, flow_name: str | None = None) -> None:
        behaviours["cache.add"](item_id, item)

    def get(self, item_id: str, task_name: str | None = None, flow_name: str | None = None) -> Any:
        return behaviours["cache.get"](item_id)


def holds(message: Any, node_args: Any) -> Any:
    """A predicate on a result."""
    return behaviours["holds"](message, node_args)


def allows(node_args: Any) -> Any:
    """A predicate on the flow's arguments."""
    return behaviours["allows"](node_args)


def items(storage_pool: Any, node_args: Any) -> Any:
    """A foreach function."""
    return behaviours["items"](storage_pool, node_args)


def reuse(flow_name: str, node_name: str, node_args: Any, task_names: list[str], storage_pool: Any) -> Any:
    """A selective run function."""
    return behaviours["reuse"](flow_name, node_name, node_args, task_names, storage_pool)


def sink(event: str, report: dict[str, Any]) -> None:
    """A trace sink."""
    behaviours["sink"](event, report)


def holding(name: str = "holds", **leaf: Any) -> dict[str, Any]:
    """The edge key ``condition`` with one of the predicates above."""
    return {"condition": {"name": name, **leaf}}


def each(propagate_result: bool = False) -> dict[str, Any]:
    """The edge key ``foreach`` with ``items``."""
    return {"foreach": {"import": HERE, "function": "items", "propagate_result": propagate_result}}
