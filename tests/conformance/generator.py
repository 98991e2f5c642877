"""Seeded random flow configurations that are valid, end, and mean the same in the original and here.

`make_case(profile, seed)` returns one case: a plain mapping with

* `nodes`, `flow_definitions`: the contents of the YAML files,
* `behaviour`: what the tasks do (see `scripted.py`),
* `request`: `{"flow", "node_args", "selective"}`; `selective` is None or the arguments of a selective run,
* `without_parent`: nodes (`flow.name`) whose parent is not compared,
* `compare`: the parts of the outcome that are comparable: of `status`, `finished`, `failed`, `runs`.

A selective run may reuse earlier runs, with the ids `earlier-<task>` and the results in `behaviour["earlier"]`.

Why cycles end: a task's result has `depth`, one more than the deepest of its parents' results, and every edge
that leads back asks for `depth` below a limit. Recursion of flows goes over a foreach that counts down. A few
cases still do not end (a sub-flow or a fallback in a cycle starts again at depth 1); the recorder drops them by
a limit on node runs.

What is left out, because the two sides are meant to differ, is listed in `original/README.md`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Json = dict[str, Any]

TASKS = ["Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel"]
RESCUE_TASKS = ["India", "Juliet", "Kilo", "Lima"]
FLOWS = ["main", "left", "right", "deep"]
MODULE = "scripted"
STORAGE = "Memory"
EVERYTHING = ["status", "finished", "failed", "runs"]


@dataclass(frozen=True)
class Profile:
    """How likely each feature is (0 to 1) and how many nodes there are."""

    tasks: tuple[int, int] = (2, 6)
    flows: tuple[int, int] = (1, 2)
    condition: float = 0.35
    join: float = 0.3
    repeat: float = 0.1
    extra_edges: tuple[int, int] = (0, 2)
    cycles: tuple[int, int] = (0, 0)
    wide: float = 0.0
    foreach: float = 0.08
    propagate: float = 0.4
    failures: tuple[int, int] = (0, 0)
    failure_condition: float = 0.3
    failing: float = 0.0
    rescue_failing: float = 0.4
    always_failing: float = 0.0
    failures_sizes: tuple[int, ...] = (1, 2, 3)
    task_retry: float = 0.15
    flow_retry: float = 0.0
    nowait: float = 0.0
    from_first: float = 0.0
    eager: float = 0.0
    selective: float = 0.0
    edge_selective: float = 0.0
    reuse: float = 0.0
    recursion: float = 0.0


PROFILES = {
    "plain": Profile(),
    "joins": Profile(join=0.7, repeat=0.3, extra_edges=(1, 4), tasks=(3, 6)),
    "cycles": Profile(cycles=(1, 3), join=0.15, flows=(1, 1)),
    "subflow_cycles": Profile(cycles=(1, 2), join=0.15, flows=(2, 3), propagate=0.9),
    "foreach": Profile(foreach=0.5, flows=(1, 3), tasks=(1, 4)),
    "subflows": Profile(flows=(2, 4), propagate=0.7, tasks=(1, 4)),
    "nested_parents": Profile(flows=(3, 4), propagate=0.95, tasks=(1, 3), condition=0.15, join=0.4),
    "failures": Profile(failures=(2, 5), failing=0.45, tasks=(3, 5), wide=0.7, condition=0.1, flows=(1, 1)),
    "failing_subflows": Profile(
        failures=(1, 4), failing=0.4, flows=(2, 3), tasks=(1, 4), task_retry=0.3, wide=0.6, condition=0.15
    ),
    "repeated_failures": Profile(
        failures=(2, 5), failing=0.5, repeat=0.5, foreach=0.2, condition=0.05, wide=0.8, flows=(1, 1), tasks=(2, 4)
    ),
    "rescues": Profile(
        failures=(4, 7),
        failing=0.48,
        rescue_failing=1.2,
        always_failing=0.9,
        failures_sizes=(1, 2, 2, 2, 3),
        tasks=(3, 4),
        flows=(1, 1),
        wide=1.0,
        condition=0.0,
        foreach=0.0,
        failure_condition=0.15,
        extra_edges=(0, 1),
    ),
    "repeated_rescues": Profile(
        failures=(4, 7),
        failing=0.48,
        rescue_failing=0.7,
        always_failing=0.9,
        failures_sizes=(1, 2, 2),
        tasks=(3, 4),
        flows=(1, 1),
        wide=1.0,
        condition=0.0,
        foreach=0.15,
        failure_condition=0.15,
        repeat=0.5,
        extra_edges=(0, 1),
    ),
    "unhandled_failures": Profile(failing=0.3, flows=(1, 3)),
    "retries": Profile(failing=0.5, task_retry=0.8, failures=(0, 1), wide=0.3),
    "flow_retries": Profile(failing=0.4, task_retry=0.3, flow_retry=0.8, flows=(1, 3), failures=(0, 1)),
    "nowait": Profile(nowait=0.5, failing=0.15, flows=(1, 3)),
    "args_from_first": Profile(from_first=0.9, flows=(1, 3), cycles=(0, 1)),
    "eager": Profile(eager=1.0, failing=0.45, failures=(1, 3), flows=(1, 2), task_retry=0.1, condition=0.1),
    "selective": Profile(selective=1.0, extra_edges=(1, 3), tasks=(3, 6), flows=(1, 1), cycles=(0, 1)),
    "selective_subflows": Profile(selective=1.0, flows=(2, 4), tasks=(2, 4), condition=0.15),
    "selective_reuse": Profile(selective=1.0, reuse=0.5, extra_edges=(1, 3), tasks=(3, 6), condition=0.3),
    "edge_selective": Profile(edge_selective=0.8, flows=(2, 3), tasks=(2, 5), condition=0.15),
    "recursion": Profile(recursion=1.0, flows=(1, 2), tasks=(1, 4)),
    "mixed": Profile(
        flows=(1, 4),
        cycles=(0, 1),
        foreach=0.15,
        propagate=0.6,
        failures=(0, 3),
        failing=0.25,
        nowait=0.15,
        task_retry=0.25,
        flow_retry=0.15,
        from_first=0.1,
        tasks=(1, 5),
        extra_edges=(0, 3),
    ),
}


@dataclass
class Draft:
    """What is known about the case while its flows are being made."""

    rng: random.Random
    profile: Profile
    stored_tasks: set[str] = field(default_factory=set)
    used_tasks: set[str] = field(default_factory=set)
    compare: list[str] = field(default_factory=lambda: list(EVERYTHING))
    parentless: set[str] = field(default_factory=set)
    never_failing: set[str] = field(default_factory=set)
    likely_failing: set[str] = field(default_factory=set)
    reused: set[str] = field(default_factory=set)


def make_case(profile_name: str, seed: int) -> Json:
    """The case of this profile and seed; the same two always give the same case."""
    rng = random.Random(f"{profile_name}-{seed}")
    draft = Draft(rng, PROFILES[profile_name])
    names = FLOWS[: rng.randint(*draft.profile.flows)]
    flows = [_flow(draft, name, names[index + 1 :]) for index, name in reversed(list(enumerate(names)))]
    flows.reverse()
    request = _request(draft, flows)
    nodes = _nodes(draft, names)
    behaviour: Json = {"tasks": _behaviours(draft), "parentless": sorted(draft.parentless)}
    if draft.reused:
        behaviour["earlier"] = {task: _earlier_result(draft, task) for task in sorted(draft.reused)}
    return {
        "name": f"{profile_name}-{seed}",
        "nodes": nodes,
        "flow_definitions": flows,
        "behaviour": behaviour,
        "request": request,
        "without_parent": sorted(draft.parentless),
        "compare": draft.compare,
    }


def _chance(draft: Draft, probability: float) -> bool:
    return draft.rng.random() < probability


def _some(draft: Draft, names: list[str], most: int) -> list[str]:
    """Between one and `most` different names, in random order."""
    return draft.rng.sample(names, min(len(names), draft.rng.randint(1, most)))


def _one_or_list(names: list[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else names


# --- one flow ---


def _flow(draft: Draft, name: str, lower_flows: list[str]) -> Json:
    """A flow that may start `lower_flows`; the first of them is always started, so that every flow is reached."""
    eager = _chance(draft, draft.profile.eager)
    chain = eager and _chance(draft, 0.5)
    tasks = draft.rng.sample(TASKS, draft.rng.randint(*draft.profile.tasks))
    subflows = [flow for index, flow in enumerate(lower_flows) if index == 0 or _chance(draft, 0.4)]
    nodes = tasks + subflows
    draft.rng.shuffle(nodes)
    from_first = not eager and _chance(draft, draft.profile.from_first)
    if from_first:
        nodes.sort(key=lambda node: node != tasks[0])
    if eager:
        edges = _chain_edges(nodes) if chain else [_edge(draft, [], [node]) for node in nodes]
    else:
        edges = _edges(draft, nodes, from_first)
    flow: Json = {"name": name, "edges": edges}
    if _chance(draft, draft.profile.recursion):
        edges.append(_recursive_edge(draft, name, nodes))
    _add_failures(draft, flow, nodes)
    if eager:
        _add_eager_failures(draft, flow, nodes)
        if "eager_failures" in flow and not chain:
            draft.compare = ["status", "runs"]  # which nodes had finished by then depends on the order
    _add_nowait(draft, flow, nodes)
    _add_propagation(draft, flow, [node for node in _started(flow) if node in FLOWS])
    _add_first_args_or_retry(draft, flow, tasks[0] if from_first else None)
    draft.used_tasks.update(node for node in _started(flow) if node not in FLOWS)
    return flow


def _chain_edges(nodes: list[str]) -> list[Json]:
    """One node after another: with nothing else active, an eager failure meets the same state in every order."""
    edges: list[Json] = [{"from": None, "to": nodes[0]}]
    edges += [{"from": before, "to": after} for before, after in pairwise(nodes)]
    return edges


def _edges(draft: Draft, nodes: list[str], from_first: bool) -> list[Json]:
    starting = draft.rng.randint(1, max(1, len(nodes) // 2))
    if from_first:
        starting = 1
    elif _chance(draft, draft.profile.wide):
        starting = max(1, len(nodes) - 1)  # many independent nodes: many may have failed together
    edges = [_edge(draft, [], nodes[:1], plain=from_first)]
    edges += [_edge(draft, [], [node]) for node in nodes[1:starting]]
    for index in range(starting, len(nodes)):
        edges.append(_edge(draft, _sources(draft, nodes[:index]), [nodes[index]], more=nodes[index + 1 :]))
    for _ in range(draft.rng.randint(*draft.profile.extra_edges)):
        if len(nodes) > 1:
            index = draft.rng.randrange(1, len(nodes))
            edges.append(_edge(draft, _sources(draft, nodes[:index]), [nodes[index]], more=nodes[index + 1 :]))
    for _ in range(draft.rng.randint(*draft.profile.cycles)):
        edges.append(_cycle_edge(draft, nodes))
    draft.rng.shuffle(edges)
    return edges


def _sources(draft: Draft, earlier: list[str]) -> list[str]:
    return _some(draft, earlier, 3) if _chance(draft, draft.profile.join) else [draft.rng.choice(earlier)]


def _edge(
    draft: Draft, sources: list[str], to: list[str], more: list[str] | None = None, plain: bool = False
) -> Json:
    """An edge onto `to`, now and then onto one of `more` too; `plain` has one destination, always and once."""
    edge: Json = {"from": _one_or_list(sources) if sources else None}
    if plain:
        return {**edge, "to": to[0]}
    if more and _chance(draft, 0.2):
        to = [*to, draft.rng.choice(more)]
    if _chance(draft, draft.profile.repeat):
        to = [*to, draft.rng.choice(to)]
    edge["to"] = _one_or_list(to)
    if _chance(draft, draft.profile.condition):
        edge["condition"] = _condition(draft, sources, 2)
    if _chance(draft, draft.profile.foreach):
        edge["foreach"] = _foreach(draft, sources, to)
    elif len(to) == 1 and to[0] in FLOWS and _chance(draft, draft.profile.edge_selective):
        edge["selective"] = {}  # filled in by _request, when the sub-flow is known
    return edge


def _cycle_edge(draft: Draft, nodes: list[str]) -> Json:
    tasks = [node for node in nodes if node not in FLOWS]
    index = draft.rng.randrange(len(tasks))
    guard = tasks[index]
    draft.stored_tasks.add(guard)
    sources = [guard]
    if _chance(draft, draft.profile.join):
        sources += [node for node in _some(draft, nodes, 1) if node != guard]
    condition: Json = {
        "name": "fieldLess",
        "node": guard,
        "args": {"key": "depth", "value": draft.rng.randint(2, 5)},
    }
    if _chance(draft, draft.profile.condition):
        condition = {"and": [condition, _condition(draft, sources, 1)]}
    return {"from": _one_or_list(sources), "to": draft.rng.choice(tasks[: index + 1]), "condition": condition}


def _recursive_edge(draft: Draft, flow: str, nodes: list[str]) -> Json:
    foreach = {"import": MODULE, "function": "count_down", "propagate_result": True}
    return {"from": draft.rng.choice([None, draft.rng.choice(nodes)]), "to": flow, "foreach": foreach}


def _foreach(draft: Draft, sources: list[str], to: list[str]) -> Json:
    functions = ["two_items", "two_items", "no_items", "items_of_args"]
    functions += [f"items_of_{task.lower()}" for task in ("Alpha", "Bravo") if task in sources] * 4
    function = draft.rng.choice(functions)
    if function.startswith("items_of_") and function != "items_of_args":
        draft.stored_tasks.add(function.removeprefix("items_of_").capitalize())
    foreach: Json = {"import": MODULE, "function": function}
    if all(node in FLOWS for node in to) and _chance(draft, 0.6):  # the original allows it onto sub-flows only
        foreach["propagate_result"] = True
    return foreach


# --- conditions ---


def _condition(draft: Draft, sources: list[str], levels: int) -> Json:
    kind = draft.rng.choice(["leaf", "leaf", "leaf", "and", "or", "not"]) if levels else "leaf"
    if kind == "leaf":
        tasks = [source for source in sources if source not in FLOWS]
        return _result_leaf(draft, tasks, sources) if tasks and _chance(draft, 0.75) else _args_leaf(draft)
    if kind == "not":
        return {"not": _condition(draft, sources, levels - 1)}
    # The original cannot load `and`/`or` with a single element.
    return {kind: [_condition(draft, sources, levels - 1) for _ in range(draft.rng.randint(2, 3))]}


def _result_leaf(draft: Draft, tasks: list[str], sources: list[str]) -> Json:
    task = draft.rng.choice(tasks)
    draft.stored_tasks.add(task)
    leaf = _leaf(draft, "", [("depth", 2), ("n", 2), ("colour", "red"), ("items", 1)])
    if len(sources) > 1 or _chance(draft, 0.3):
        leaf["node"] = task
    return leaf


def _args_leaf(draft: Draft) -> Json:
    return _leaf(
        draft, "args", [("n", 1), ("n", 2), ("mode", "fast"), ("items", 2), ("depth", 1), ("colour", "red")]
    )


def _leaf(draft: Draft, prefix: str, fields: list[tuple[str, Any]]) -> Json:
    """A predicate on a field of the result (no prefix) or of the arguments (`args`), mostly one that is there."""
    key, value = draft.rng.choice(fields)
    if isinstance(value, int) and key != "items":
        value = draft.rng.randint(value - 1, value + 2)
        name = draft.rng.choice(
            ["Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual", "Int", "Exist"]
        )
    elif key == "items":
        name = draft.rng.choice(["Contain", "List", "Exist", "LenGreater", "LenEqual", "LenLess", "LenNotEqual"])
    else:
        name = draft.rng.choice(["Equal", "NotEqual", "Str", "Exist", "Contain", "LenEqual"])
        value = draft.rng.choice([value, "slow", "blue"]) if name != "Contain" else "e"
    if _chance(draft, 0.12):
        return {"name": _prefixed(prefix, draft.rng.choice(["isDict", "isList", "isNone", "isStr"]))}
    args: Json = {"key": ["nested", "list", 0] if _chance(draft, 0.1) else draft.rng.choice([key, key, [key]])}
    if name.startswith("Len"):
        args["length"] = draft.rng.randint(0, 3)
    elif name not in ("Int", "Exist", "List", "Str"):
        args["value"] = value
    return {"name": _prefixed(prefix, f"field{name}"), "args": args}


def _prefixed(prefix: str, name: str) -> str:
    return prefix + name[0].upper() + name[1:] if prefix else name


# --- failures and flags ---


def _add_failures(draft: Draft, flow: Json, nodes: list[str]) -> None:
    """Entries for combinations of nodes; later ones may handle the failure of an earlier one's fallback."""
    entries: list[Json] = []
    eager = draft.profile.eager > 0
    catchable = nodes[: max(1, len(nodes) // 2)] if eager else list(nodes)
    for _ in range(draft.rng.randint(*draft.profile.failures)):
        entries.append(_failures_entry(draft, flow, entries, catchable, nodes))
        if not eager:
            catchable += [node for node in _as_list(entries[-1]["fallback"]) if node not in catchable]
    if entries:
        flow["failures"] = entries
        draft.parentless.update(
            f"{flow['name']}.{node}" for entry in entries for node in _as_list(entry["fallback"])
        )


def _failures_entry(draft: Draft, flow: Json, entries: list[Json], catchable: list[str], nodes: list[str]) -> Json:
    """One more entry, now and then on the nodes of an earlier one or with an edge on from its fallback."""
    eager = draft.profile.eager > 0
    size = min(len(catchable), draft.rng.choice(draft.profile.failures_sizes))
    waited = draft.rng.sample(catchable, size)
    if entries and not eager and _chance(draft, 0.25):
        waited = draft.rng.choice(entries)["nodes"]
    rescuers = RESCUE_TASKS if draft.profile.cycles == (0, 0) and _chance(draft, 0.8) else [*RESCUE_TASKS, *nodes]
    if draft.profile.selective:
        rescuers = RESCUE_TASKS  # a sub-flow started by a fallback dies in the original's selective runs
    # `nodes: [A], fallback: [A]` is an error, and a node that rescues itself may never end
    rescuers = [node for node in rescuers if node not in _as_list(waited)] or RESCUE_TASKS
    draft.likely_failing.update(_as_list(waited))
    entry: Json = {"nodes": waited, "fallback": _one_or_list(_some(draft, rescuers, 1 if eager else 2))}
    if _chance(draft, draft.profile.failure_condition):
        entry["condition"] = _condition(draft, [], 1)
    if _chance(draft, 0.3):
        led_to = draft.rng.choice([*RESCUE_TASKS, *[node for node in nodes if node not in FLOWS]])
        source = _as_list(entry["fallback"])[0]
        if led_to != source and not eager:
            flow["edges"].append(_edge(draft, [source], [led_to]))
    return entry


def _add_eager_failures(draft: Draft, flow: Json, nodes: list[str]) -> None:
    """Eager nodes; the original can only load them in a flow that has `failures` as well."""
    caught = {node for entry in flow.get("failures", []) for node in _as_list(entry["nodes"])}
    eager = [node for node in nodes if node not in caught and _chance(draft, 0.7)]
    if eager and caught:
        flow["eager_failures"] = _one_or_list(eager)


def _add_nowait(draft: Draft, flow: Json, nodes: list[str]) -> None:
    waited_for = {node for edge in flow["edges"] for node in _as_list(edge["from"])}
    for entry in flow.get("failures", []):
        waited_for.update(_as_list(entry["nodes"]), _as_list(entry["fallback"]))
    waited_for.update(_as_list(flow.get("eager_failures")))
    nowait = [node for node in nodes if node not in waited_for and _chance(draft, draft.profile.nowait)]
    if nowait:
        flow["nowait"] = _one_or_list(nowait)


def _add_propagation(draft: Draft, flow: Json, subflows: list[str]) -> None:
    sources = {node for edge in flow["edges"] for node in _as_list(edge["from"])} & set(subflows)
    rescuers = {node for entry in flow.get("failures", []) for node in _as_list(entry["fallback"])}
    itemised = {
        node
        for edge in flow["edges"]
        for node in _as_list(edge["to"])
        if edge.get("foreach", {}).get("propagate_result")
    }
    _set_flag(
        draft, flow, "propagate_node_args", [node for node in subflows if node not in itemised], not itemised
    )
    # A fallback that is a flow gets no parent in the original.
    parents = [node for node in subflows if node not in rescuers]
    _set_flag(draft, flow, "propagate_parent", parents, not rescuers & set(subflows))
    nested = sorted(sources)
    flattened = [node for node in nested if _chance(draft, 0.4)]
    nested = [node for node in nested if node not in flattened]
    _set_flag(draft, flow, "propagate_finished", nested, not flattened)
    _set_flag(draft, flow, "propagate_compound_finished", flattened, not nested)


def _set_flag(draft: Draft, flow: Json, flag: str, subflows: list[str], all_allowed: bool) -> None:
    chosen = [node for node in subflows if _chance(draft, draft.profile.propagate)]
    if chosen:
        flow[flag] = True if all_allowed and _chance(draft, 0.4) else _one_or_list(chosen)


def _add_first_args_or_retry(draft: Draft, flow: Json, first_task: str | None) -> None:
    """Never both: the original keeps the replaced arguments when it retries the flow."""
    if first_task is not None:
        flow["node_args_from_first"] = True
        draft.stored_tasks.add(first_task)
        draft.never_failing.add(first_task)  # else the original may take the arguments from a fallback
    elif _chance(draft, draft.profile.flow_retry):
        flow["max_retry"] = draft.rng.randint(1, 2)


def _started(flow: Json) -> list[str]:
    lists = [_as_list(edge["to"]) for edge in flow["edges"]]
    lists += [_as_list(entry["fallback"]) for entry in flow.get("failures", [])]
    return list(dict.fromkeys(node for nodes in lists for node in nodes))


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


# --- nodes, behaviour and request ---


def _nodes(draft: Draft, flows: list[str]) -> Json:
    tasks = []
    for name in sorted(draft.used_tasks):
        task: Json = {"name": name, "import": MODULE, "classname": "Scripted"}
        if name in draft.stored_tasks or _chance(draft, 0.4):
            task["storage"] = STORAGE
        if _chance(draft, draft.profile.task_retry):
            task["max_retry"] = draft.rng.randint(1, 3)
        if _chance(draft, draft.profile.reuse):
            draft.reused.add(name)
            function = draft.rng.choice(["reuse_earlier", "reuse_earlier_unless_fast"])
            task["selective_run_function"] = {"import": MODULE, "name": function}
        tasks.append(task)
    storage = {"name": STORAGE, "import": MODULE, "classname": "DictStorage", "configuration": {"comparing": True}}
    return {"tasks": tasks, "storages": [storage], "flows": flows}


def _behaviours(draft: Draft) -> Json:
    return {name: script for name in sorted(draft.used_tasks) if (script := _script(draft, name))}


def _script(draft: Draft, task: str) -> Json:
    script: Json = {}
    if _chance(draft, 0.05):
        script["whole_result"] = draft.rng.choice([[1, 2, 3], "done", 7])
    elif _chance(draft, 0.8):
        script["result"] = _extra_fields(draft)
    rescue_factor = draft.profile.rescue_failing
    factor = rescue_factor if task in RESCUE_TASKS else 2 if task in draft.likely_failing else 0.7
    failing = draft.profile.failing * factor
    if task not in draft.never_failing and _chance(draft, failing):
        script["failure"] = _failure(draft)
    return script


def _earlier_result(draft: Draft, task: str) -> Json:
    """What an earlier run of the task is said to have stored; a selective run may reuse it."""
    return {"task": task, "depth": 1, **_extra_fields(draft)}


def _extra_fields(draft: Draft) -> Json:
    fields: Json = {
        "n": draft.rng.randint(0, 3),
        "colour": draft.rng.choice(["red", "blue"]),
        "items": [{"n": n, "mode": "slow"} if _chance(draft, 0.5) else n for n in range(draft.rng.randint(0, 3))],
        "nested": {"list": [draft.rng.randint(0, 2)]},
    }
    return {name: value for name, value in fields.items() if _chance(draft, 0.6)}


def _failure(draft: Draft) -> Json:
    if _chance(draft, draft.profile.always_failing):
        return {"kind": "error", "per": "node_run"}
    kind = draft.rng.choice(["error"] * 6 + ["fatal", "retry"])
    if draft.profile.flow_retry and _chance(draft, 0.6):
        return {
            "kind": "fatal" if kind == "fatal" else "error",
            "per": "flow_run",
            "times": draft.rng.randint(1, 2),
        }
    failure: Json = {"kind": kind, "per": "node_run"}
    if kind == "retry" or _chance(draft, 0.45):
        failure["times"] = draft.rng.randint(1, 3)
    if _chance(draft, 0.25):
        failure["depths"] = draft.rng.choice([[1], [2], [1, 2], [2, 3]])
    return failure


def _request(draft: Draft, flows: list[Json]) -> Json:
    by_name = {flow["name"]: flow for flow in flows}
    for flow in flows:
        for edge in flow["edges"]:
            if "selective" in edge:
                edge["selective"] = _selection(draft, by_name[edge["to"]], by_name, node_key="tasks")
    node_args = draft.rng.choice(
        [None, {"n": 2, "mode": "fast"}, {"n": 1, "mode": "slow", "items": [{"n": 1}, {"n": 2}]}, [1, 2], "text"]
    )
    if draft.profile.recursion:
        node_args = {"n": draft.rng.randint(1, 2), "mode": "fast"}
    selective = None
    if _chance(draft, draft.profile.selective):
        selective = _selection(draft, by_name["main"], by_name, node_key="task_names")
    return {"flow": "main", "node_args": node_args, "selective": selective}


def _selection(draft: Draft, flow: Json, by_name: dict[str, Json], node_key: str) -> Json:
    """What to run selectively in `flow`; sub-flows are followed wherever there are any (see the README)."""
    below = _flows_below(flow, by_name)
    candidates = sorted({node for name in [flow["name"], *below] for node in _edge_tasks(by_name[name])})
    run_subsequent: Any = _chance(draft, 0.35)
    if run_subsequent and _chance(draft, 0.3):
        run_subsequent = [draft.rng.choice([flow["name"], *below])]
    return {
        node_key: _some(draft, candidates, 2),
        "follow_subflows": bool(below) or _chance(draft, 0.2),
        "run_subsequent": run_subsequent,
    }


def _flows_below(flow: Json, by_name: dict[str, Json]) -> list[str]:
    below: list[str] = []
    waiting = [flow["name"]]
    while waiting:
        for node in _started(by_name[waiting.pop()]):
            if node in by_name and node not in below:
                below.append(node)
                waiting.append(node)
    return below


def _edge_tasks(flow: Json) -> list[str]:
    return [node for edge in flow["edges"] for node in _as_list(edge["to"]) if node not in FLOWS]
