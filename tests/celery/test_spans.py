"""OpenTelemetry: one trace per flow run, a span per attempt; the durations of flow runs."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.celery.reporting.meters import BUCKETS, WAIT_BUCKETS, Meters
from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.transport.message_schema import QUEUED_HEADER, read_nodes
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

sdk = pytest.importorskip("opentelemetry.sdk.trace")


class Task:
    """Does nothing; ``Fail`` fails."""

    def __init__(self, **names: Any) -> None:
        self.names = names

    def run(self, node_args: Any) -> None:
        if self.names["task_name"] == "Fail":
            raise ValueError("no")


def traced_plan() -> Plan:
    text = f"""
global:
  trace:
    - opentelemetry: true
tasks:
  - {{name: A, import: {__name__}, classname: Task}}
  - {{name: Fail, import: {__name__}, classname: Task}}
flow-definitions:
  - name: main
    edges: [{{from: , to: A}}, {{from: A, to: below}}]
  - name: below
    edges: [{{from: , to: Fail}}]
"""
    plan = compile_text({"nodes.yaml": text}).plan
    assert plan is not None
    return plan


def test_all_spans_of_a_flow_run_are_of_one_trace() -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    class Api:
        """The API with a provider of its own: the global one can be set only once in a process."""

        def __getattr__(self, name: str) -> Any:
            from opentelemetry import trace

            return provider.get_tracer if name == "get_tracer" else getattr(trace, name)

    plan = traced_plan()
    world = World(plan, workers=1, spans=Spans(plan, Api()))
    world.start("main")
    world.work()
    spans = exporter.get_finished_spans()
    assert sorted(span.name for span in spans) == ["flow below", "flow main", "task A", "task Fail"]
    assert len({span.context.trace_id for span in spans}) == 1
    ids = {span.name: span.context.span_id for span in spans}
    parents = {span.name: span.parent and span.parent.span_id for span in spans}
    assert parents == {
        "flow main": None,
        "task A": ids["flow main"],
        "flow below": ids["flow main"],
        "task Fail": ids["flow below"],
    }
    failed = {span.name for span in spans if not span.status.is_ok and span.status.status_code.name == "ERROR"}
    assert failed == {"flow below", "flow main", "task Fail"}


def test_the_durations_of_flow_runs_are_recorded() -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    plan = traced_plan()
    spans = Spans(plan, meters=Meters(plan, MeterProvider([reader])))
    world = World(plan, workers=1, spans=spans, selinon_inline_count=0)
    id = world.start("main")
    while world.store.header(id) is None:
        world.step()
    world.now += 7
    world.work()
    data: Any = reader.get_metrics_data()
    metrics = {metric.name: metric for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    metric = metrics["selinon.run"]
    assert metric.unit == "s"
    points = {tuple(point.attributes.values()): point for point in metric.data.data_points}
    assert {about: point.count for about, point in points.items()} == {
        ("main", "failure"): 1,
        ("below", "failure"): 1,
    }
    assert points["main", "failure"].sum == 7
    assert points["main", "failure"].explicit_bounds == BUCKETS


@pytest.mark.parametrize("inline", [0, 8])
def test_how_long_tasks_waited_for_a_worker_is_recorded(inline: int) -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    plan = traced_plan()
    spans = Spans(plan, meters=Meters(plan, MeterProvider([reader])))
    world = World(plan, workers=1, spans=spans, selinon_inline_count=inline)
    id = world.start("main")
    while world.store.header(id) is None:
        world.step()
    world.now += 7
    world.work()
    data: Any = reader.get_metrics_data()
    metrics = {metric.name: metric for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    metric = metrics["selinon.node_wait"]
    points = {tuple(point.attributes.values()): point for point in metric.data.data_points}
    assert {about: point.count for about, point in points.items()} == {("main", "A"): 1, ("below", "Fail"): 1}
    assert [points["main", "A"].sum, points["below", "Fail"].sum] == [0 if inline else 7, 0]
    assert (metric.unit, points["main", "A"].explicit_bounds) == ("s", WAIT_BUCKETS)


def test_the_waits_of_later_attempts_are_not_recorded() -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    text = f"""
global: {{trace: [{{opentelemetry: true}}]}}
tasks: [{{name: Fail, import: {__name__}, classname: Task, max_retry: 2, retry_countdown: 60}}]
flow-definitions: [{{name: main, edges: [{{from: , to: Fail}}]}}]
"""
    plan = compile_text({"nodes.yaml": text}).plan
    assert plan is not None
    world = World(plan, workers=1, spans=Spans(plan, meters=Meters(plan, MeterProvider([reader]))))
    id = world.start("main")
    world.work()
    header = world.store.header(id)
    assert header is not None
    assert header["status"] == "failure"
    data: Any = reader.get_metrics_data()
    metrics = {metric.name: metric for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    (point,) = metrics["selinon.node_wait"].data.data_points
    assert (point.count, point.sum) == (1, 0)


def test_messages_say_since_when_they_are_queued_only_where_that_is_recorded() -> None:
    silent = compile_text(
        {
            "nodes.yaml": f"tasks: [{{name: A, import: {__name__}, classname: Task}}]\n"
            "flow-definitions: [{name: main, edges: [{from: , to: A}]}]\n"
        }
    ).plan
    assert silent is not None
    for plan, wanted in ((silent, False), (traced_plan(), True)):
        world = World(plan, workers=1, selinon_inline_count=0)
        world.start("main")
        world.work()
        sent = [message for message in world.broker.sent if message.kwargs.get("task") == "A"]
        assert [QUEUED_HEADER in (message.headers or {}) for message in sent] == [wanted]


@pytest.mark.parametrize("value", [None, "soon", True, -1, 0, float("nan"), float("inf"), 1e300, [], {}])
def test_a_header_that_is_no_time_is_ignored(value: Any) -> None:
    kwargs = {"v": 1, "flow": "f", "id": "i", "number": 1, "task": "A"}
    assert read_nodes(kwargs, 10_000, queued=value)[0].queued == 0


def test_nothing_is_traced_that_nobody_asked_for() -> None:
    plan = compile_text({"nodes.yaml": "tasks:\n  - {name: A, import: x}\n"}).plan
    assert plan is None or not (Spans(plan).enabled or Meters(plan).enabled)
