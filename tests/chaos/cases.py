"""What runs under fire: shapes written here, recorded cases, random data flow; each with the outcome of an
undisturbed local run.

Tasks are those of the recorded cases: what one does depends on its script, its arguments and what led to it, so
a task that runs twice does the same twice.
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

from selinon_core.cases.model import Signal
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_project
from tests.chaos.steering import ANSWER
from tests.conformance import scripted
from tests.conformance.canonical import outcome_of
from tests.conformance.data_flow_cases import comparable_data_flow_cases
from tests.workers.conformance import comparable_cases

Json = dict[str, Any]
_EVERYTHING = ["status", "finished", "failed", "runs"]
#: The key of the limit of some tasks, over all their flow runs, and its places.
LIMITED, MOST_AT_ONCE = "limited tasks", 2
_FAILS = {"failure": {"per": "node_run", "kind": "error"}}


def _case(name: str, flows: list[Json], scripts: Json | None = None, **tasks: Json) -> Json:
    names = {flow["name"] for flow in flows}
    used = [
        node
        for flow in flows
        for edge in flow["edges"]
        for node in ([edge["to"]] if isinstance(edge["to"], str) else edge["to"])
    ]
    used += [failure["fallback"] for flow in flows for failure in flow.get("failures", ())]
    made = [
        {"name": task, "import": "scripted", "classname": "Scripted", "storage": "Memory", **tasks.get(task, {})}
        for task in dict.fromkeys(used)
        if task not in names
    ]
    storage = {"name": "Memory", "import": "scripted", "classname": "DictStorage"}
    return {
        "name": name,
        "nodes": {"tasks": made, "storages": [storage], "flows": sorted(names)},
        "flow_definitions": flows,
        "behaviour": {"tasks": scripts or {}, "parentless": []},
        "request": {"flow": flows[0]["name"], "node_args": {"n": 3, "items": [1, 2, 3, 4]}, "selective": None},
        "without_parent": [],
        "compare": _EVERYTHING,
    }


def _chain(size: int, name: str = "main") -> Json:
    edges: list[Json] = [{"from": None, "to": "C0"}]
    return {"name": name, "edges": edges + [{"from": f"C{i}", "to": f"C{i + 1}"} for i in range(size - 1)]}


def _fan(size: int) -> Json:
    middle = [f"F{i}" for i in range(size)]
    edges = [{"from": None, "to": "First"}, {"from": "First", "to": middle}, {"from": middle, "to": "Last"}]
    return {"name": "main", "edges": edges}


def _ladder(layers: int, width: int) -> Json:
    rows = [[f"L{layer}x{i}" for i in range(width)] for layer in range(layers)]
    edges: list[Json] = [{"from": None, "to": rows[0]}]
    return {"name": "main", "edges": edges + [{"from": rows[i], "to": rows[i + 1]} for i in range(layers - 1)]}


def shapes() -> list[Json]:
    """The cases written here: what is rare, or small, among the recorded ones."""
    foreach = {"import": "scripted", "function": "items_of_args"}
    rescued = {
        "name": "main",
        "edges": [{"from": None, "to": ["Good", "Bad"]}, {"from": "Good", "to": "After"}],
        "failures": [{"nodes": "Bad", "fallback": "Rescue"}],
    }
    return [
        _case("chain", [_chain(20)]),
        _case("fan", [_fan(30)]),
        _case("ladder", [_ladder(5, 5)]),
        _case(
            "sub-flows",
            [
                {
                    "name": "main",
                    "edges": [
                        {"from": None, "to": ["middle", "Beside"]},
                        {"from": ["middle", "Beside"], "to": "End"},
                    ],
                    "propagate_node_args": True,
                },
                {
                    "name": "middle",
                    "edges": [{"from": None, "to": "inner", "foreach": foreach}, {"from": "inner", "to": "Join"}],
                    "propagate_node_args": True,
                },
                _chain(3, "inner"),
            ],
        ),
        _case("foreach", [{"name": "main", "edges": [{"from": None, "to": "Each", "foreach": foreach}]}]),
        _case("retries", [rescued], {"Bad": _FAILS}, Bad={"max_retry": 2, "retry_countdown": 1}),
        _case("retried at once", [rescued], {"Bad": _FAILS}, Bad={"max_retry": 3}),
        _case("failing", [{**rescued, "failures": []}], {"Bad": _FAILS}),
        _case("throttled", [{**_chain(3), "throttling": {"seconds": 0}}], C1={"throttling": {"milliseconds": 20}}),
        _case(
            "limited", [_fan(8)], **{f"F{i}": {"limit": {"key": LIMITED, "max": MOST_AT_ONCE}} for i in range(8)}
        ),
    ]


def steered() -> list[Json]:
    """Cases that need an operator: what waits is answered, what is broken is mended and retried."""
    waits = {"import": None, "classname": None, "wait": {}}
    answered = _case(
        "waiting",
        [
            {
                "name": "main",
                "edges": [{"from": None, "to": ["C0", "below"]}, {"from": ["C0", "below"], "to": "End"}],
            },
            {"name": "below", "edges": [{"from": None, "to": "Approve"}, {"from": "Approve", "to": "After"}]},
        ],
        Approve=waits,
    )
    for task in answered["nodes"]["tasks"]:
        if "wait" in task:
            del task["import"], task["classname"]
    mended = _case(
        "mended",
        [
            {
                "name": "main",
                "edges": [{"from": None, "to": ["C0", "below"]}, {"from": ["C0", "below"], "to": "End"}],
            },
            {"name": "below", "edges": [{"from": None, "to": "Bad"}, {"from": "Bad", "to": "After"}]},
        ],
    )
    mended["behaviour"]["broken"] = ["Bad"]
    for case in (answered, mended):
        case["outcome"] = _outcome_of(case)
    return [answered, mended] * 3


def chosen(seed: int, recorded: int, data_flow: int) -> list[Json]:
    """The shapes, and as many recorded cases and cases of data flow; every one has its ``outcome``."""
    mine = shapes()
    for case in mine:
        case["outcome"] = _outcome_of(case)
    pool = [case for case in comparable_cases() if _repeatable(case) and _size(case) <= 40]
    mine += comparable_data_flow_cases(data_flow, 1000 * seed)
    return mine + random.Random(seed).sample(pool, min(recorded, len(pool)))


def _repeatable(case: Json) -> bool:
    """Whether no script counts attempts or runs: a killed attempt is one more."""
    failures = [script.get("failure") for script in case["behaviour"]["tasks"].values()]
    return not any(f and (f["per"] == "flow_run" or "times" in f) for f in failures)


def _size(case: Json) -> int:
    return sum(row[-1] for row in case["outcome"].get("runs", []))


def _outcome_of(case: Json) -> Json:
    directory = Path(tempfile.mkdtemp())
    path = directory / "nodes.yaml"
    text = json.dumps({**case["nodes"], "flow-definitions": case["flow_definitions"]})
    path.write_text(text.replace('"scripted"', '"tests.conformance.scripted"'))
    project = compile_project([path])
    assert project.plan is not None, [str(diagnostic) for diagnostic in project.diagnostics]
    scripted.set_up(case["behaviour"])
    request = case["request"]
    answer = Signal("Approve", ANSWER, early=True)
    options = LocalOptions(storage="real", at=((0.0, answer),) if "Approve" in project.plan.tasks else ())
    run = LocalExecutor(project.plan, options).run(request["flow"], request["node_args"])
    return outcome_of(run.report(), case)
