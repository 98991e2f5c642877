"""Node runs in the form in which a recorded run and its replay are compared, and expectations are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from selinon_core.explaining.run_view import RunView
from selinon_core.recording.run_data import NodeData, RunData
from selinon_core.recording.unknown import UNKNOWN
from selinon_core.runtime.trace.run_records import NodeRecord

Json = Any


class Row(NamedTuple):
    """A node run without ids and times. ``key`` is its lineage, ``above`` those of its sources and its flow run.

    ``reference`` is how a case file calls the runs of its node. ``UNKNOWN`` is equal to everything.
    """

    key: str
    label: str
    reference: str
    above: tuple[str, ...]
    kind: str
    status: Json
    flow_attempt: int
    attempts: Json
    args: Json
    parents: Json
    result: Json
    output: Json
    error: Json


#: What is compared, and what a message calls it.
COMPARED = {
    "status": "the status",
    "attempts": "the attempts",
    "args": "the arguments",
    "parents": "the parents",
    "result": "the result",
    "output": "the output",
    "error": "the error",
}


def rows_of(data: RunData) -> list[Row]:
    """The node runs in canonical order."""
    view = data.view
    return [
        _row(view, data.by_id[record.run.id]) for record in view.lineage.ordered if record.run.id in data.by_id
    ]


def _row(view: RunView, node: NodeData) -> Row:
    record, run = node.record, node.record.run
    error: Json = None
    is_open = run.status == "active"  # the flow run ended before it; how it goes on is nothing to compare
    if run.status == "failure" and not run.is_flow:
        error = UNKNOWN if node.error is None else ": ".join(node.error)
    return Row(
        view.lineage.key(run.id),
        view.label(record),
        reference_of(view, record),
        tuple(_above(view, record)),
        "flow" if run.is_flow else "task",
        UNKNOWN if is_open else node.status,
        run.flow_attempt,
        UNKNOWN if node.attempts is None or run.is_flow or is_open else node.attempts,
        node.args,
        view.parents(record),
        UNKNOWN if node.status != "success" else node.result,
        UNKNOWN if is_open else node.output,
        error,
    )


def _above(view: RunView, record: NodeRecord) -> Iterator[str]:
    for source in record.run.sources:
        yield view.lineage.key(source.id)
    if record.flow_run.node is not None:
        yield view.lineage.key(record.flow_run.node.run.id)


def reference_of(view: RunView, record: NodeRecord) -> str:
    """How a case file calls the runs of a node: ``Name``, or ``flow/Name`` below the flow that was asked for."""
    name = record.run.name
    return name if record.flow_run is view.root else f"{record.flow_run.flow.name}/{name}"
