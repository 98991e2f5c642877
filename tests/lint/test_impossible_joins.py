"""Edges that wait for what excludes each other are found, and none of them ever fires."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.local.mocks import Mocks
from selinon_core.project import Project, compile_text

NODES = "ABCDEFG"
HEAD = """
storages: [{name: R, import: selinon_core.storages.memory, classname: InMemoryStorage}]
tasks:
""" + "".join(f"  - {{name: {name}, import: nowhere, storage: R}}\n" for name in NODES)


def project(edges: list[dict[str, Any]], failures: list[dict[str, Any]] = (), **flow: Any) -> Project:  # type: ignore[assignment]
    """A project with one flow ``f``; every edge stands in a line of its own, the first in line 4 of its file."""
    lines = ["flow-definitions:", " - name: f", "   edges:", *(f"    - {json.dumps(edge)}" for edge in edges)]
    if failures:
        lines += ["   failures:", *(f"    - {json.dumps(failure)}" for failure in failures)]
    lines += [f"   {key}: {json.dumps(value)}" for key, value in flow.items()]
    return compile_text({"nodes.yaml": HEAD, "flow.yaml": "\n".join(lines)}, lint=True)


def impossible(made: Project) -> list[int]:
    """The numbers of the edges that are said never to fire."""
    return [d.span.place.line - 4 for d in made.diagnostics if d.code == "SEL318"]


def edge(text: str, condition: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An edge written as ``"A B -> C"``."""
    sources, _, destinations = text.partition("->")
    made = {"from": sources.split(), "to": destinations.split(), **more}
    return made if condition is None else {**made, "condition": condition}


def is_(value: int, name: str = "fieldEqual", **more: Any) -> dict[str, Any]:
    return {"name": name, "args": {"key": "v", "value": value}, **more}


def args(value: int) -> dict[str, Any]:
    return is_(value, "argsFieldEqual")


FALLBACK = [{"nodes": "A", "fallback": "B"}]


@pytest.mark.parametrize(
    ("edges", "failures"),
    [
        ([edge("-> A"), edge("A -> B", is_(1)), edge("A -> C", is_(2)), edge("B C -> D")], []),
        ([edge("-> A"), edge("A -> B", is_(1)), edge("A -> C", {"not": is_(1)}), edge("B C -> D")], []),
        # Further away, and of different nodes that see the same arguments.
        (
            [
                edge("-> A"),
                edge("A -> B", is_(1)),
                edge("B -> C"),
                edge("A -> D", is_(2)),
                edge("D -> E"),
                edge("C E -> F"),
            ],
            [],
        ),
        ([edge("-> A B"), edge("A -> C", args(1)), edge("B -> D", args(2)), edge("C D -> E")], []),
        # Either of two ways to B excludes C.
        (
            [
                edge("-> A"),
                edge("A -> B", is_(1)),
                edge("A -> B", is_(3)),
                edge("A -> C", is_(2)),
                edge("B C -> D"),
            ],
            [],
        ),
        # A foreach starts several runs, all of them where the condition held.
        (
            [
                edge("-> A"),
                edge("A -> B", is_(1), foreach={"import": "x", "function": "y"}),
                edge("A -> C", is_(2)),
                edge("B C -> D"),
            ],
            [],
        ),
        # Three of which each two may come together.
        (
            [
                edge("-> A"),
                edge("A -> B", {"or": [is_(1), is_(2)]}),
                edge("A -> C", {"or": [is_(2), is_(3)]}),
                edge("A -> D", {"or": [is_(1), is_(3)]}),
                edge("B C D -> E"),
            ],
            [],
        ),
        # A node and its own fallback, direct and further away.
        ([edge("-> A"), edge("A B -> C")], FALLBACK),
        ([edge("-> A"), edge("A -> C"), edge("B -> D"), edge("C D -> E")], FALLBACK),
        # The condition of the edge itself against the way to it.
        ([edge("-> A"), edge("A -> B", args(1)), edge("B -> C", args(2))], []),
    ],
)
def test_found(edges: list[dict[str, Any]], failures: list[dict[str, Any]]) -> None:
    made = project(edges, failures)
    assert impossible(made) == [len(edges) - 1]
    assert made.plan is not None


@pytest.mark.parametrize(
    ("edges", "failures", "flow"),
    [
        # Two sources that run once each, but see different results.
        ([edge("-> A B"), edge("A -> C", is_(1)), edge("B -> D", is_(2)), edge("C D -> E")], [], {}),
        # A runs again and again.
        (
            [
                edge("-> A"),
                edge("A -> A", is_(0)),
                edge("A -> B", is_(1)),
                edge("A -> C", is_(2)),
                edge("B C -> D"),
            ],
            [],
            {},
        ),
        # A runs twice.
        (
            [
                edge("-> A"),
                edge("-> A"),
                edge("A -> B", is_(1)),
                edge("A -> C", is_(2)),
                edge("B C -> D"),
            ],
            [],
            {},
        ),
        ([edge("-> A"), edge("-> A"), edge("A B -> C")], FALLBACK, {}),
        # B is started in another way as well.
        ([edge("-> A B"), edge("A B -> C")], FALLBACK, {}),
        # Both hold.
        (
            [edge("-> A"), edge("A -> B", is_(1)), edge("A -> C", is_(0, "fieldGreater")), edge("B C -> D")],
            [],
            {},
        ),
        # Different fields.
        (
            [
                edge("-> A"),
                edge("A -> B", is_(1)),
                edge("A -> C", {"name": "fieldEqual", "args": {"key": "w", "value": 2}}),
                edge("B C -> D"),
            ],
            [],
            {},
        ),
        # The arguments change when the first task has ended.
        (
            [edge("-> A", args(1)), edge("A -> B", args(2)), edge("A -> C"), edge("B C -> D")],
            [],
            {"node_args_from_first": True},
        ),
        # What the surroundings say may change.
        (
            [
                edge("-> A B"),
                edge("A -> C", {"name": "envExist", "args": {"env": "X"}}),
                edge("B -> D", {"not": {"name": "envExist", "args": {"env": "X"}}}),
                edge("C D -> E"),
            ],
            [],
            {},
        ),
    ],
)
def test_not_claimed(edges: list[dict[str, Any]], failures: list[dict[str, Any]], flow: dict[str, Any]) -> None:
    assert impossible(project(edges, failures, **flow)) == []


def test_each_cause_is_told_once_and_where_it_is() -> None:
    edges = [edge("-> A"), edge("A -> B", is_(1)), edge("A -> C", is_(2)), edge("B C -> D"), edge("D -> E")]
    (found,) = [d for d in project(edges).diagnostics if d.code == "SEL318"]
    assert found.message == '"B" and "C" never both succeed in one flow run, so this edge never fires'
    assert [related.span.place.line - 4 for related in found.related] == [1, 2]


def failing_together(made: Project) -> list[str]:
    return [d.message for d in made.diagnostics if d.code == "SEL506"]


def test_fallbacks_of_nodes_behind_exclusive_conditions() -> None:
    edges = [edge("-> A"), edge("A -> B", is_(1)), edge("A -> C", is_(2))]
    both = [{"nodes": ["B", "C"], "fallback": "D"}]
    assert failing_together(project(edges, both)) == [
        '"B" and "C" never run in one flow run, so they never fail together'
    ]
    assert failing_together(project([*edges, edge("-> C")], both)) == []
    # A fallback may fail like the node it is for.
    assert failing_together(project([edge("-> A")], [*FALLBACK, {"nodes": ["A", "B"], "fallback": "C"}])) == []


def _random_flow(random: Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def condition() -> dict[str, Any] | None:
        kind = random.random()
        if kind < 0.25:
            return None
        leaf = random.choice([is_, args])(random.randrange(3))
        return {"not": leaf} if kind > 0.8 else leaf

    nodes = NODES[: random.randint(4, 7)]
    edges = [edge("-> " + " ".join(random.sample(nodes, random.randint(1, 2))))]
    for _ in range(random.randint(4, 8)):
        sources = random.sample(nodes, random.choice([1, 1, 2]))
        made = edge(f"{' '.join(sources)} -> {random.choice(nodes)}", condition())
        if "condition" in made and len(sources) > 1 and made["condition"].get("name") != "argsFieldEqual":
            made["condition"] = args(random.randrange(3))
        edges.append(made)
    failures = []
    if random.random() < 0.5:
        node, fallback = random.sample(nodes, 2)
        failures.append({"nodes": node, "fallback": fallback})
    return edges, failures


def test_no_edge_that_is_said_never_to_fire_fires() -> None:
    random = Random(1)
    claims = 0
    for _ in range(250):
        made = project(*_random_flow(random))
        never = impossible(made)
        claims += len(never)
        if made.plan is None or not never:
            continue
        for _ in range(12):
            outcomes = [{"result": {"v": v}} for v in range(3)] + [{"error": "ValueError: no"}]
            mocks = Mocks.from_mapping({n: random.choices(outcomes, [2, 2, 2, 1], k=6) for n in NODES})
            options = LocalOptions(mocks=mocks, mock_all=True, max_steps=60, seed=random.randrange(100))
            run = LocalExecutor(made.plan, options).run("f", {"v": random.randrange(3)})
            fired = {int(e["where"].split(":")[1]) - 4 for e in run.report()["edges"] if e["fired"]}
            assert not fired.intersection(never)
    assert claims > 30
