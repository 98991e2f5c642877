"""Schedules from the YAML to the plan, and through its JSON."""

from __future__ import annotations

import json

from selinon_core.plan.json_form import plan_from_json, plan_to_json
from selinon_core.project import compile_text

FLOW = "tasks: [{name: A, import: m}]\nflow-definitions: [{name: f, edges: [{from: , to: A}]}]\n"
SCHEDULES = """\
global:
  schedules:
    - {name: a, flow: f, cron: "30  2 * * *"}
    - {name: b, flow: f, cron: "0 5 * * *", timezone: Europe/Berlin, args: {n: [1, null]}, overlap: queue,
       catch_up: all, jitter: 1.5}
"""


def test_schedules_are_in_the_plan_and_in_its_json() -> None:
    plan = compile_text({"nodes.yaml": FLOW + SCHEDULES}).plan
    assert plan is not None
    first, second = plan.settings.schedules
    assert first[:8] == ("a", "f", "30 2 * * *", "UTC", None, "skip", "last", 0)
    assert second[:8] == ("b", "f", "0 5 * * *", "Europe/Berlin", {"n": [1, None]}, "queue", "all", 1.5)
    assert (first.place.line, second.place.line) == (5, 6)
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_plans_without_schedules_are_written_as_before() -> None:
    plan = compile_text({"nodes.yaml": FLOW}).plan
    assert plan is not None
    written = plan_to_json(plan)
    assert written["version"] == 1
    assert "schedules" not in written["settings"]


def test_a_plan_is_not_made_of_wrong_schedules() -> None:
    for wrong in (
        "{name: a, flow: g, cron: '0 5 * * *'}",
        "{name: a, flow: f, cron: nightly}",
        "{name: a, flow: f}",
    ):
        project = compile_text({"nodes.yaml": f"{FLOW}global: {{schedules: [{{name: a, {wrong}}}]}}\n"})
        assert project.plan is None
