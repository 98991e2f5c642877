"""Plans in a few words. Names of sub-flows are those given as flows; every other node is a task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selinon_core.diagnostics.location import Place
from selinon_core.plan import (
    EdgePlan,
    FailurePlan,
    FlowPlan,
    Foreach,
    ImportRef,
    Leaf,
    Plan,
    Selective,
    Settings,
    Strategy,
    TaskPlan,
    Template,
)

NOWHERE = Place("flow.yaml", 1, 1)
A_CONDITION = Leaf(ImportRef("predicates", "holds"), None, {}, None, NOWHERE)
A_TEMPLATE = Template(None, NOWHERE)
SETTINGS = Settings(None, (), "warn", "fail")


def _names(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(value.split()) if isinstance(value, str) else tuple(value)


def edge(
    sources: str | Iterable[str] | None,
    destinations: str | Iterable[str],
    *,
    condition: bool = False,
    foreach: bool = False,
    propagate_result: bool = False,
    selective: Selective | None = None,
    args: bool = False,
) -> EdgePlan:
    """An edge; its index is set by ``flow``. Names may be given as one text with spaces."""
    fan_out = Foreach(ImportRef("functions", "items"), propagate_result, NOWHERE) if foreach else None
    when = A_CONDITION if condition else None
    given = A_TEMPLATE if args else None
    return EdgePlan(0, _names(sources), _names(destinations), when, fan_out, selective, None, NOWHERE, given)


def failure(
    nodes: str | Iterable[str],
    fallback: str | Iterable[str] | None,
    *,
    condition: bool = False,
    propagate_failure: bool = False,
    args: bool = False,
) -> FailurePlan:
    """An entry of ``failures``; ``fallback`` None is ``fallback: true``."""
    when = A_CONDITION if condition else None
    ordered = tuple(sorted(set(_names(nodes))))
    given = A_TEMPLATE if args else None
    return FailurePlan(0, ordered, _names(fallback), when, propagate_failure, NOWHERE, given)


def flow(name: str, edges: Iterable[EdgePlan], failures: Iterable[FailurePlan] = (), **options: Any) -> FlowPlan:
    """A flow; ``options`` are fields of ``FlowPlan``, sets of names may be given as one text."""
    values: dict[str, Any] = {
        **FlowPlan._field_defaults,
        "queue": "celery",
        "max_retry": 0,
        "retry_countdown": 0.0,
        "timeout": None,
        "throttling": None,
        "nowait": frozenset(),
        "eager_failures": frozenset(),
        "node_args_from_first": False,
        "propagate_node_args": frozenset(),
        "propagate_parent": frozenset(),
        "propagate_finished": frozenset(),
        "propagate_compound_finished": frozenset(),
        "propagate_failures": frozenset(),
        "propagate_compound_failures": frozenset(),
        "propagate_parent_failures": frozenset(),
        "sampling": Strategy(ImportRef("strategies", "constant"), {}),
        "cache": None,
    }
    for option, value in options.items():
        is_set = isinstance(values[option], frozenset)
        values[option] = frozenset(_names(value)) if is_set else value
    return FlowPlan(
        name=name,
        edges=tuple(e._replace(index=i) for i, e in enumerate(edges)),
        failures=tuple(f._replace(index=i) for i, f in enumerate(failures)),
        place=NOWHERE,
        **values,
    )


def plan(*flows: FlowPlan, subflows: str | Iterable[str] = ()) -> Plan:
    """A plan of these flows, of ``subflows`` that run one task each, and of all tasks named anywhere."""
    known = {f.name: f for f in flows}
    for name in _names(subflows):
        known.setdefault(name, flow(name, [edge(None, f"{name}Task")]))
    nodes = {
        node
        for f in known.values()
        for group in (
            *(e.sources + e.destinations for e in f.edges),
            *(f.nodes + f.fallback for f in f.failures),
        )
        for node in group
    }
    tasks = {name: _task(name) for name in sorted(nodes - known.keys())}
    return Plan(tasks, known, {}, SETTINGS)


def _task(name: str) -> TaskPlan:
    return TaskPlan(
        name=name,
        function=ImportRef("tasks", name),
        max_retry=0,
        retry_countdown=0.0,
        timeout=None,
        throttling=None,
        output_schema=None,
        storage=None,
        storage_readonly=False,
        storage_task_name=name,
        selective_run_function=None,
        queue="celery",
        place=NOWHERE,
    )
