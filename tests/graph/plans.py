"""Short ways to write plans for drawings, and the sample plans that the goldens draw."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selinon_core.diagnostics.location import Place
from selinon_core.plan import (
    And,
    Condition,
    EdgePlan,
    FailurePlan,
    FlowPlan,
    Foreach,
    ImportRef,
    Leaf,
    Not,
    Plan,
    Selective,
    Settings,
    StoragePlan,
    Strategy,
    TaskPlan,
)

FILE = "flows/sample.yaml"


def leaf(name: str, node: str | None = None, **args: Any) -> Leaf:
    return Leaf(
        ImportRef("selinon_core.predicates", name), (node,) if node else None, args, None, Place(FILE, 3, 7)
    )


def edge(
    sources: str,
    destinations: str,
    condition: Condition | None = None,
    foreach: str | None = None,
    selective: Selective | None = None,
    name: str | None = None,
) -> EdgePlan:
    """``edge("A B", "C")``; the flow numbers its edges."""
    function = Foreach(ImportRef("myapp.helpers", foreach), False, Place(FILE, 4, 9)) if foreach else None
    return EdgePlan(
        0,
        tuple(sources.split()),
        tuple(destinations.split()),
        condition,
        function,
        selective,
        name,
        Place(FILE, 1, 7),
    )


def failure(
    nodes: str, fallback: str, condition: Condition | None = None, propagate_failure: bool = False
) -> FailurePlan:
    place = Place(FILE, 2, 7)
    return FailurePlan(
        0, tuple(sorted(nodes.split())), tuple(fallback.split()), condition, propagate_failure, place
    )


def flow(name: str, edges: Iterable[EdgePlan], failures: Iterable[FailurePlan] = (), **settings: Any) -> FlowPlan:
    nothing: frozenset[str] = frozenset()
    values: dict[str, Any] = {
        "queue": "celery",
        "max_retry": 0,
        "retry_countdown": 0,
        "timeout": None,
        "throttling": None,
        "nowait": nothing,
        "eager_failures": nothing,
        "node_args_from_first": False,
        "propagate_node_args": nothing,
        "propagate_parent": nothing,
        "propagate_finished": nothing,
        "propagate_compound_finished": nothing,
        "propagate_failures": nothing,
        "propagate_compound_failures": nothing,
        "propagate_parent_failures": nothing,
        "sampling": Strategy(ImportRef("selinon_core.strategies", "constant"), {"retry": 2}),
        "cache": None,
        **settings,
    }
    return FlowPlan(
        name=name,
        edges=tuple(e._replace(index=i, place=Place(FILE, 10 + i, 7)) for i, e in enumerate(edges)),
        failures=tuple(f._replace(index=i, place=Place(FILE, 90 + i, 7)) for i, f in enumerate(failures)),
        place=Place(FILE, 8, 5),
        **values,
    )


def task(name: str, storage: str | None = None, **settings: Any) -> TaskPlan:
    values: dict[str, Any] = {
        "function": ImportRef("myapp.tasks", name),
        "max_retry": 0,
        "retry_countdown": 0,
        "timeout": None,
        "throttling": None,
        "output_schema": None,
        "storage_readonly": False,
        "storage_task_name": name,
        "selective_run_function": None,
        "queue": "celery",
        **settings,
    }
    return TaskPlan(name=name, storage=storage, place=Place("nodes.yaml", 2, 5), **values)


def plan(*flows: FlowPlan, tasks: Iterable[TaskPlan] = (), storages: str = "") -> Plan:
    """A plan of these flows; nodes that are neither given as tasks nor flows become plain tasks."""
    known = {each.name: each for each in tasks}
    names = {each.name for each in flows}
    for each in flows:
        for group in (
            *((e.sources, e.destinations) for e in each.edges),
            *((f.nodes, f.fallback) for f in each.failures),
        ):
            for name in (*group[0], *group[1]):
                if name not in names:
                    known.setdefault(name, task(name))
    stores = {
        name: StoragePlan(
            name, ImportRef("myapp.storages", name), {"password": "secret"}, None, Place("nodes.yaml", 40, 5)
        )
        for name in storages.split()
    }
    return Plan(known, {each.name: each for each in flows}, stores, Settings(None, (), "warn", "fail"))


def dinner() -> Plan:
    hot = leaf("fieldGreater", "WarmUpOven", key="temperature", value=200)
    return plan(
        flow(
            "dinner",
            [edge("", "buyIngredients"), edge("buyIngredients", "prepare"), edge("prepare", "serve")],
            [failure("buyIngredients", "OrderPizza OrderBeer"), failure("prepare", "OrderPizza OrderBeer")],
        ),
        flow(
            "buyIngredients",
            [
                edge("", "BuyFlour BuyEggs BuyRest"),
                edge(
                    "",
                    "BuyFlowers",
                    And(
                        (
                            leaf("argsFieldEqual", key="in_love", value=True),
                            Not(leaf("argsFieldEqual", key="single", value=True)),
                        )
                    ),
                ),
            ],
        ),
        flow(
            "prepare",
            [
                edge(
                    "",
                    "WarmUpOven MakeDough",
                    leaf("httpStatus", host="recipes.lan", path="recipes/how-to-bake-pie.html", status=200),
                ),
                edge("WarmUpOven", "WarmUpOven", Not(hot)),
                edge("WarmUpOven MakeDough", "Bake", hot),
            ],
            max_retry=2,
            retry_countdown=30,
        ),
        flow("serve", [edge("", "ServePlate", foreach="iter_guests")]),
        tasks=[
            *(task(name, "Basket") for name in ("BuyFlour", "BuyEggs", "BuyRest", "BuyFlowers")),
            task("WarmUpOven", "Oven"),
            task("Bake", "Oven", max_retry=3, retry_countdown=5, timeout=3600),
        ],
        storages="Basket Oven",
    )


def everything() -> Plan:
    """One flow with every kind of thing a drawing can hold."""
    return plan(
        flow(
            "release",
            [
                edge("", "Checkout"),
                edge("Checkout", "Build Lint", name="after checkout"),
                edge(
                    "Build Lint",
                    "Test",
                    leaf("fieldLenGreaterEqual", "Build", key=["artifacts", "wheels"], length=2),
                ),
                edge("Test", "publish", foreach="iter_targets", name="all targets"),
                edge("publish", "Notify Notify Notify"),
                edge("Test", "Archive", leaf("alwaysFalse")),
                edge("Archive", "Tape"),
                edge("Notify", "release", leaf("argsFieldGreater", key="again", value=0)),
                edge("Test", "audit", selective=Selective(("Scan", "Report"), True, True)),
            ],
            [
                failure("Build Lint", "Explain"),
                failure("Build", "RebuildFromScratch", leaf("envEqual", env="STAGE", value="production")),
                failure("Lint", ""),
                failure("Test", "Explain", propagate_failure=True),
            ],
            nowait=frozenset({"audit"}),
            eager_failures=frozenset({"Checkout"}),
        ),
        flow(
            "publish",
            [
                edge("", "Upload"),
                edge("Upload", "Verify"),
                edge("Verify", "Upload", leaf("fieldBool", "Verify", key="stale")),
            ],
        ),
        flow("audit", [edge("", "Scan"), edge("Scan", "Report")]),
        tasks=[
            task("Build", "Artifacts"),
            task("Test", "Artifacts", storage_readonly=True),
            task("Upload", "Cloud"),
        ],
        storages="Artifacts Cloud",
    )


def everything_later() -> Plan:
    """``everything`` after a day's work: added, removed and changed things of every kind."""
    wheels = leaf("fieldLenGreaterEqual", "Build", key=["artifacts", "wheels"], length=3)
    before = everything()
    return plan(
        flow(
            "release",
            [
                edge("", "Checkout"),
                edge("Checkout", "Build Lint Types", name="after checkout"),
                edge("Build Lint Types", "Test", wheels),
                edge("Test", "publish", foreach="iter_all", name="all targets"),
                edge("publish", "Notify"),
                edge("Notify", "release", leaf("argsFieldGreater", key="again", value=0)),
                edge("Test", "audit", selective=Selective(("Scan",), True, True)),
            ],
            [
                failure("Build Lint", "Explain", leaf("envExist", env="EXPLAIN")),
                failure("Build", "RebuildFromScratch", leaf("envEqual", env="STAGE", value="production")),
                failure("Types", ""),
            ],
            nowait=frozenset({"audit"}),
            max_retry=2,
        ),
        before.flows["publish"],
        before.flows["audit"],
        tasks=[task("Build", "Artifacts", max_retry=2), task("Test", "Cloud"), task("Upload", "Cloud")],
        storages="Artifacts Cloud",
    )
