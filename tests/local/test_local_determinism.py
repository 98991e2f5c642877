"""The same input and seed give the same report and trace, byte for byte; other seeds give other orders; and none
of that changes the outcome.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selinon_core.local import LocalExecutor, LocalOptions, LocalRun, Mocks
from tests.local.trying import behaviours, build, each, holding, names, play

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import json, sys
from tests.local.trying import *
from selinon_core.local import LocalExecutor, LocalOptions, Mocks

plan = build(
    {
        "f": {
            "edges": [
                "-> A B C", ("A -> D", holding()), ("B -> E", each(True)), "D E -> F",
                "C -> g g", "F -> H", "g -> N",
            ],
            "failures": ["H -> I", "C B -> J"],
            "propagate_finished": "g", "propagate_node_args": True, "max_retry": 1, "retry_countdown": 3,
        },
        "g": {"edges": ["-> K L", "K L -> M"], "throttling": {"seconds": 7}},
    },
    {"A": {"max_retry": 2}, "M": {"storage": None}, "L": {"timeout": 3}},
)

class Thing:
    pass

def fail(task, args):
    raise ValueError(Thing.__name__)

run = play(
    plan, {"z": 1, "a": [3, {"y": None}]},
    {
        "A": failing(1, result={"q": 1, "b": 2}), "holds": lambda message, args: message["q"] == 1,
        "items": lambda pool, args: ["x", "y", {"z": 1}],
        "H": fail, "M": lambda task, args: {Thing(), "s", "t", "u"},
    },
    seed=int(sys.argv[1]),
    mocks=Mocks.from_mapping({"L": [{"after": 9}, {"after": 1}]}),
)
report = run.report()
del report["real_seconds"]
for node in report["nodes"]:
    del node["real_seconds"]
print(json.dumps(report))
print(json.dumps(list(run.trace())))
"""


def in_a_process(seed: int, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, str(seed)]
    ran = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("seed", [0, 7])
def test_processes_with_other_hash_seeds_tell_the_same_byte_for_byte(seed: int) -> None:
    first = in_a_process(seed, "1")
    assert json.loads(first.splitlines()[0])["nodes"]
    assert in_a_process(seed, "2") == first


def fan(**options: Any) -> LocalRun:
    return play(build({"f": ["-> A B C D E", "A B C D E -> F"]}), **options)


def test_without_a_seed_tasks_run_in_the_order_they_were_scheduled() -> None:
    ran: list[str] = []
    does = dict.fromkeys("ABCDEF", lambda task, args: ran.append(task.task_name))
    fan(does=does)
    fan(does=does, seed=0)
    assert ran == list("ABCDEF") * 2


def test_seeds_explore_orders() -> None:
    orders = set()
    for seed in range(40):
        ran: list[str] = []
        fan(does=dict.fromkeys("ABCDEF", lambda task, args, ran=ran: ran.append(task.task_name)), seed=seed)
        assert ran[-1] == "F"
        orders.add(tuple(ran))
    assert len(orders) > 20


def test_ids_follow_from_the_seed() -> None:
    ids = [[n["id"] for n in fan(seed=seed).nodes] for seed in (None, 0, 1, 1)]
    assert ids[0] == ids[1]
    assert ids[2] == ids[3]
    assert not set(ids[1]) & set(ids[2])


def test_with_a_real_storage_ids_are_new_unless_a_seed_is_given() -> None:
    assert fan(storage="real").id != fan(storage="real").id
    assert fan(storage="real", seed=3).id == fan(storage="real", seed=3).id


# -- the outcome does not depend on orders (rule 8) -----------------------------------------------------------

TASKS = "ABCDEFG"


@st.composite
def flows(draw: st.DrawFn) -> tuple[Any, frozenset[str]]:
    """A flow without cycles: joins, conditions, fan-outs, a sub-flow, fallbacks; and the tasks that fail."""
    edges: list[Any] = [f"-> {' '.join(draw(st.lists(st.sampled_from('ABC'), min_size=1, max_size=3)))}"]
    reached = sorted(set(edges[0].split()[1:]))
    for _ in range(draw(st.integers(1, 6))):
        sources = draw(st.lists(st.sampled_from(reached), min_size=1, max_size=3, unique=True))
        later = [name for name in [*TASKS, "g"] if name > max(sources) or (name == "g" and "g" not in sources)]
        if not later or ("g" in sources and len(sources) == 1):
            later = ["G"]
        destination = draw(st.sampled_from(later))
        if destination in sources or any(s > destination for s in sources if s != "g"):
            continue
        kind = draw(st.sampled_from(["plain", "plain", "condition", "foreach"]))
        tasks = [source for source in sources if source != "g"]
        more: dict[str, Any] = {}
        if kind == "condition" and tasks:
            more = holding("holds", node=tasks[0])
        elif kind == "foreach":
            more = each()
        edges.append((f"{' '.join(sources)} -> {destination}", more))
        if destination not in reached:
            reached.append(destination)
    failed = draw(st.lists(st.sets(st.sampled_from(reached), min_size=1, max_size=2), max_size=2))
    failures = [f"{' '.join(sorted(nodes))} -> X" for nodes in failed]
    flow: dict[str, Any] = {"edges": edges}
    if any(not isinstance(edge, str) and "g" in edge[0].partition("->")[0].split() for edge in edges):
        flow["propagate_finished"] = "g"
    if failures:
        flow["failures"] = failures
    return flow, draw(st.frozensets(st.sampled_from(TASKS + "K"), max_size=3))


def essence(run: LocalRun) -> tuple[str, Counter[str], Counter[str]]:
    """What must not depend on orders: status, nodes of the result, and each run with its lineage."""
    known = {n["id"]: n for n in run.nodes}

    def lineage(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: lineage(part) for name, part in sorted(value.items())}
        if isinstance(value, list):
            return sorted(json.dumps(lineage(part)) for part in value)
        return tell(known[value])

    def tell(n: dict[str, Any]) -> Any:
        return [n["name"], n["flow"], n["status"], n["node_args"], lineage(n["parent"])]

    counts = {f"{kind} {name}": len(ids) for kind in run.result for name, ids in _by_name(run.result[kind])}
    return run.status, Counter(counts), Counter(json.dumps(tell(n)) for n in run.nodes)


def _by_name(part: Any) -> Any:
    return part.items() if isinstance(part, dict) else ()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(flows(), st.integers(1, 10**6))
def test_the_outcome_is_the_same_for_all_orders_and_with_four_at_once(
    case: tuple[Any, frozenset[str]], seed: int
) -> None:
    flow, failing_tasks = case
    plan = build({"f": flow, "g": ["-> K", "K -> L"]})

    def act(task: Any, args: Any) -> Any:
        if task.task_name in failing_tasks:
            raise ValueError("as the case says")
        return len(task.parent)

    behaviours.clear()
    behaviours.update({**dict.fromkeys([*TASKS, "K", "L", "X"], act)})
    behaviours.update({"holds": lambda message, args: message < 2, "items": lambda pool, args: [1, 2]})
    limits = {"max_steps": 300}
    expected = LocalExecutor(plan, LocalOptions(**limits)).run("f")
    if expected.stopped_by is not None:
        return
    for options in ({"seed": seed}, {"seed": seed + 1}, {"concurrency": 4}, {"concurrency": 4, "seed": seed}):
        run = LocalExecutor(plan, LocalOptions(**limits, **options)).run("f")
        assert essence(run) == essence(expected), options


def test_concurrent_runs_keep_the_order_of_mocked_times() -> None:
    after = {name: {"after": i} for i, name in enumerate("EDCBA", 1)}
    run = fan(mocks=Mocks.from_mapping(after), concurrency=4, seed=5)
    ended = [e.details["task_name"] for e in run.events if e.event == "TASK_END"]
    assert ended == [*"EDCBA", "F"]
    assert sorted(names(run)) == sorted("ABCDEF")
