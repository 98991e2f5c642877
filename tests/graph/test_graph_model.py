"""What is in a drawing and what is not."""

from __future__ import annotations

from selinon_core.graph import draw, drawing_of
from selinon_core.graph.model import Drawing, Node
from selinon_core.plan import Not
from tests.graph.plans import dinner, edge, everything, failure, flow, leaf, plan, task


def node(drawing: Drawing, ident: str) -> Node:
    return next(each for each in drawing.nodes if each.id == ident)


def arrows(drawing: Drawing, kind: str = "flow") -> set[tuple[str, str]]:
    return {(each.source, each.target) for each in drawing.edges if each.kind == kind}


def test_plain_edge_is_one_arrow() -> None:
    drawing = drawing_of(plan(flow("f", [edge("", "A"), edge("A", "B C")])), "f")
    assert arrows(drawing) == {("start", "task:A"), ("task:A", "task:B"), ("task:A", "task:C")}
    assert {each.kind for each in drawing.nodes} == {"start", "task"}


def test_join_condition_and_fan_out_are_passed_in_this_order() -> None:
    condition = leaf("fieldGreater", "A", key="count", value=3)
    drawing = drawing_of(plan(flow("f", [edge("", "A B"), edge("A B", "C", condition, "items")])), "f")
    assert {("task:A", "join:1"), ("task:B", "join:1")} <= arrows(drawing)
    assert {("join:1", "condition:1"), ("condition:1", "foreach:1"), ("foreach:1", "task:C")} <= arrows(drawing)
    assert node(drawing, "condition:1").title == "A.count > 3"
    assert node(drawing, "foreach:1").title == "for each item of items()"


def test_always_true_is_no_condition() -> None:
    drawing = drawing_of(plan(flow("f", [edge("", "A", Not(leaf("alwaysFalse")))])), "f")
    assert arrows(drawing) == {("start", "task:A")}


def test_what_lies_behind_a_false_edge_is_dead() -> None:
    flows = flow(
        "f",
        [edge("", "A"), edge("A", "B", leaf("alwaysFalse")), edge("B", "C"), edge("A C", "D")],
        [failure("A", "E"), failure("C", "F")],
    )
    drawing = drawing_of(plan(flows), "f")
    dead = {each.name for each in drawing.nodes if each.dead and each.name}
    assert dead == {"B", "C", "D", "F"}
    assert not any(each.dead for each in drawing.edges if each.target == "task:E")


def test_fallback_names_the_set_and_accepting_has_a_box() -> None:
    drawing = drawing_of(everything(), "release")
    assert node(drawing, "failure:0").title == "Build and Lint failed"
    assert node(drawing, "failure:1").title == 'Build failed and $STAGE == "production"'
    assert node(drawing, "failure:3").notes == ("then the flow fails",)
    assert ("failure:2", "failure:2/handled") in arrows(drawing, "fallback")
    assert {("task:Build", "failure:0"), ("task:Lint", "failure:0"), ("failure:0", "task:Explain")} <= arrows(
        drawing, "fallback"
    )


def test_repeated_destination_and_flags() -> None:
    drawing = drawing_of(everything(), "release")
    repeated = next(each for each in drawing.edges if each.target == "task:Notify")
    assert repeated.label == ("\u00d7 3",)
    assert repeated.many
    assert node(drawing, "flow:audit").nowait
    assert node(drawing, "task:Checkout").notes == ("its failure ends the flow",)
    assert node(drawing, "flow:release").notes == ("starts itself again",)


def test_storages_written_read_left_out_and_told_in_words() -> None:
    drawing = drawing_of(everything(), "release")
    assert arrows(drawing, "store") == {("task:Build", "storage:Artifacts"), ("storage:Artifacts", "task:Test")}
    assert not arrows(drawing_of(everything(), "release", storages=False), "store")
    names = [f"T{i}" for i in range(30)]
    many = plan(
        flow("f", [edge("", " ".join(names))]), tasks=[task(name, "Disk") for name in names], storages="Disk"
    )
    drawing = drawing_of(many, "f")
    assert not arrows(drawing, "store")
    assert node(drawing, "task:T7").notes == ("stores in Disk",)


def test_configuration_of_storages_is_not_shown() -> None:
    assert "secret" not in repr(drawing_of(everything(), "release"))


def test_expanding_draws_frames_and_recursion_once() -> None:
    drawing = drawing_of(everything(), "release", expand=True)
    assert {each.id for each in drawing.clusters} == {"flow:publish", "flow:audit"}
    assert node(drawing, "flow:publish/task:Upload").cluster == "flow:publish"
    assert ("flow:publish", "flow:publish/task:Upload") in arrows(drawing)
    assert ("flow:publish/end", "task:Notify") in arrows(drawing)
    assert node(drawing, "flow:release").cluster is None


def test_mutual_recursion_ends() -> None:
    both = plan(flow("a", [edge("", "b")]), flow("b", [edge("", "a")]))
    drawing = drawing_of(both, "a", expand=True)
    assert [each.id for each in drawing.clusters] == ["flow:b"]
    assert node(drawing, "flow:b/flow:a").notes == ("recursion",)


def test_expanding_stops_somewhere() -> None:
    flows = [flow(f"f{i}", [edge("", f"g{i} h{i}")]) for i in range(40)]
    flows += [flow(f"g{i}", [edge("", f"f{i + 1}")]) for i in range(40)]
    flows += [flow(f"h{i}", [edge("", f"f{i + 1}")]) for i in range(40)]
    drawing = drawing_of(plan(*flows), "f0", expand=True)
    assert len(drawing.nodes) < 5000
    chain = plan(*(flow(f"f{i}", [edge("", f"f{i + 1}")]) for i in range(2000)))
    assert draw(chain, "f0", format="dot", expand=True)


def test_every_flow_of_a_project_draws() -> None:
    project = dinner()
    assert all(drawing_of(project, name, expand=True).nodes for name in project.flows)
