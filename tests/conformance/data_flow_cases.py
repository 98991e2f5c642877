"""Seeded random flows whose data flow is written in them: arguments, conditions, lists, inputs and outputs.

`data_flow_case(seed)` returns a mapping with the keys of the recorded cases (see `generator`), so that whatever
runs those runs these too. All nodes have results, arguments and outputs of one shape (`scripted.compute`), so any
expression of the right type makes sense anywhere. What makes runs end: no flow starts itself or one above it, and
an edge that leads back asks for a `depth` that each run makes greater.

Expressions are mostly such that `lint` has nothing to say about them; a case that it calls wrong is made anew.
"""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from tests.conformance.canonical import outcome_of
from tests.conformance.naive import Naive
from tests.conformance.scripted import FAILING, LARGE

Json = dict[str, Any]

TASKS = ["Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel"]
RESCUE_TASKS = ["India", "Juliet"]
FLOWS = ["main", "left", "right"]
MODULE = "tests.conformance.scripted"
#: Steps of a local run, task attempts above all: a case that takes more is made anew.
MOST_STEPS = 40
_RESULT = {
    "type": "object",
    "required": ["n", "flag", "text", "items", "depth", "inner"],
    "properties": {
        "n": {"type": "integer"},
        "flag": {"type": "boolean"},
        "text": {"type": "string"},
        "items": {"type": "array", "items": {"type": "integer"}},
        "depth": {"type": "integer"},
        "inner": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
        "maybe": {"type": "integer"},
        "large": {"type": "array"},
    },
}
#: Properties of the input of every flow; ``n`` is the only one that has to be given.
_INPUT: Json = {
    "n": {"type": "integer"},
    "flag": {"type": "boolean", "default": True},
    "text": {"type": "string", "default": "given"},
    "items": {"type": "array", "items": {"type": "integer"}, "default": [1, 2]},
    "depth": {"type": "integer", "default": 0},
    "large": {"type": "array"},
}


class Names:
    """The names that expressions of one place may use: ``sure`` have a value, ``perhaps`` may have none.

    ``bare`` is how likely one of the latter stands there without a ``default``.
    """

    def __init__(
        self,
        sure: list[str],
        perhaps: list[str],
        item: str | None = None,
        *,
        in_output: bool = False,
        bare: float = 0.03,
    ) -> None:
        self.sure = sure
        self.perhaps = perhaps
        self.item = item
        self.in_output = in_output
        self.bare = bare


class Expressions:
    """Random expressions by type; ``depth`` bounds how far they are nested."""

    def __init__(self, dice: random.Random, names: Names) -> None:
        self._dice = dice
        self._names = names

    def _chance(self, probability: float) -> bool:
        return self._dice.random() < probability

    def _field(self, key: str, otherwise: str) -> str:
        """A field of some node or of ``args``."""
        names = self._names
        candidates = [*names.sure * 3, *names.perhaps, "args"]
        name = self._dice.choice(candidates)
        if names.in_output and name != "args":
            name = self._dice.choice([name, f"last.{name}"])
        text = f"{name}.{key}"
        sure = name in names.sure or name == "args"
        return text if sure or self._chance(self._names.bare) else f"default({text}, {otherwise})"

    def _task(self) -> str | None:
        """Some task; None where there is none."""
        tasks = [name for name in [*self._names.sure, *self._names.perhaps] if name not in FLOWS]
        return self._dice.choice(tasks) if tasks else None

    def number(self, depth: int = 2) -> str:
        """An integer."""
        kinds = ["literal", "field", "field", "field", "length", "maybe", "depth", "inner", "constant"]
        kinds += ["sum", "arithmetic", "choice", "most", "attempt"] if depth else []
        if self._names.item is not None:
            kinds += ["item", "item", "index"]
        if self._names.in_output and self._names.perhaps:
            kinds += ["count", "count"]
        kind = self._dice.choice(kinds)
        if kind == "literal":
            return str(self._dice.randint(0, 9))
        if kind == "field":
            return self._field("n", "4")
        if kind == "length":
            return f"len({self.numbers(depth - 1)})"
        if kind == "maybe":
            name = self._task()
            if name and self._chance(self._names.bare):
                return f"{name}.maybe"
            return f"default({name}.maybe, {self._dice.randint(0, 3)})" if name else "args.n"
        if kind == "depth":
            return self._field("depth", "0")
        if kind == "inner":
            name = self._dice.choice([*self._names.sure, *self._names.perhaps] or ["args"])
            return "args.n" if name == "args" else f"default({name}.inner.n, 2)"
        if kind == "constant":
            return "vars.limit"
        if kind == "sum":
            return f"sum({self.numbers(depth - 1)})"
        if kind == "arithmetic":
            return f"({self.number(depth - 1)} {self._dice.choice('+-*')} {self.number(depth - 1)})"
        if kind == "choice":
            return f"({self.number(depth - 1)} if {self.truth(depth - 1)} else {self.number(depth - 1)})"
        if kind == "most":
            return f"{self._dice.choice(['max', 'min'])}({self.number(depth - 1)}, {self.number(depth - 1)})"
        if kind == "attempt":
            return "flow.attempt"
        if kind == "count":
            return f"len(all.{self._dice.choice(self._names.perhaps)})"
        if kind == "item" and self._names.item is not None:
            return self._names.item
        return "index"

    def numbers(self, depth: int = 1) -> str:
        """A list of integers."""
        kinds = ["field", "field"] + (["listed", "filtered"] if depth > 0 else [])
        kinds += ["all"] * 3 if self._names.in_output and self._names.perhaps else []
        kind = self._dice.choice(kinds)
        if kind == "field":
            return self._field("items", "[]")
        if kind == "listed":
            return f"[{self.number(depth - 1)}, {self.number(depth - 1)}]"
        if kind == "all":
            name = self._dice.choice(self._names.perhaps)
            return f"[one.{self._dice.choice(['n', 'depth'])} for one in all.{name}]"
        test = f"one {self._dice.choice(['>', '<=', '!='])} {self._dice.randint(0, 3)}"
        made = self._dice.choice(["one", "one + 1", "one * one"])
        return f"[{made} for one in {self.numbers(depth - 1)} if {test}]"

    def truth(self, depth: int = 2) -> str:
        """A boolean."""
        kinds = ["compare", "compare", "flag", "in"] + (["and", "not", "any", "has"] if depth > 0 else [])
        kind = self._dice.choice(kinds)
        if kind == "compare":
            operator = self._dice.choice(["<", "<=", ">", ">=", "==", "!="])
            return f"{self.number(depth - 1)} {operator} {self.number(depth - 1)}"
        if kind == "flag":
            return self._field("flag", "false")
        if kind == "in":
            return f"{self._dice.randint(0, 4)} {self._dice.choice(['in', 'not in'])} {self.numbers(depth - 1)}"
        if kind == "and":
            return f"({self.truth(depth - 1)} {self._dice.choice(['and', 'or'])} {self.truth(depth - 1)})"
        if kind == "not":
            return f"not ({self.truth(depth - 1)})"
        if kind == "any":
            which = self._dice.choice(["any", "all"])
            return f"{which}(one > {self._dice.randint(0, 3)} for one in {self.numbers(depth - 1)})"
        name = self._task()
        return f"has({name}.maybe)" if name else "has(args.large)"

    def text(self) -> Any:
        """A text, as it stands in a template."""
        kind = self._dice.choice(["field", "parts", "plain"])
        if kind == "field":
            return "${" + self._field("text", '"none"') + "}"
        if kind == "parts":
            return "n is ${" + self.number(1) + "}, flag is ${" + self.truth(0) + "}"
        return "plain"


class _Draft:
    def __init__(self, seed: str) -> None:
        self.dice = random.Random(seed)
        self.used: set[str] = set()

    def chance(self, probability: float) -> bool:
        return self.dice.random() < probability

    def template(self, names: Names) -> Json:
        """What has the shape of arguments, results and outputs."""
        make = Expressions(self.dice, names)
        made: Json = {"n": "${" + make.number() + "}"}
        if self.chance(0.5):
            made["items"] = "${" + make.numbers() + "}"
        if self.chance(0.4):
            made["flag"] = "${" + make.truth() + "}"
        if self.chance(0.5):
            made["text"] = make.text()
        depths = [f"default({name}.depth, 0)" for name in [*names.sure, *names.perhaps]] + ["args.depth"]
        made["depth"] = "${max(0, " + ", ".join(depths) + ")}"
        large = [name for name in [*names.sure, *names.perhaps] if name in LARGE]
        if large and self.chance(0.6):
            name = self.dice.choice(large)
            made["large"] = "${" + (f"{name}.large" if name in names.sure else f"default({name}.large, [])") + "}"
        return made

    def output(self, names: Names) -> Any:
        """All that results have, so that a flow can stand wherever a task can."""
        make = Expressions(self.dice, names)
        made = {**self.template(names), "depth": "${" + make.number(1) + "}"}
        made |= {"flag": "${" + make.truth() + "}", "text": make.text(), "items": "${" + make.numbers() + "}"}
        return {**made, "inner": {"n": "${" + make.number() + "}"}}

    def flow(self, name: str, below: list[str]) -> Json:
        tasks = self.dice.sample(TASKS, self.dice.randint(2, 4))
        nodes = tasks + [flow for index, flow in enumerate(below) if index == 0 or self.chance(0.4)]
        self.dice.shuffle(nodes)
        self.used.update(tasks)
        edges: list[Json] = []
        for position, node in enumerate(nodes):
            sources = [] if position == 0 else self.dice.sample(nodes[:position], min(position, self._width()))
            edges.append(self._edge(edges, sources, [node, *self._more(nodes[position + 1 :])]))
        for _ in range(self.dice.choice([0, 0, 1])):
            position = self.dice.randrange(1, len(nodes))
            sources = self.dice.sample(nodes[:position], min(position, self._width()))
            edges.append(self._edge(edges, sources, [self.dice.choice(nodes[position:])]))
        failing = [node for node in nodes if node in FAILING or node in below]
        flow: Json = {"name": name, "vars": {"limit": self.dice.randint(1, 5)}, "edges": edges}
        if self.chance(0.35):
            again = self.dice.choice(tasks)
            condition = f"{again}.depth < {self.dice.randint(2, 4)} and {again}.flag"
            edges.append({"from": again, "to": again, "condition": condition})
            edges[-1]["args"] = {**self.template(Names([again], [])), "depth": f"${{{again}.depth}}"}
        if failing and self.chance(0.75):
            flow["failures"] = [self._failure(flow, failing)]
        properties = {**_INPUT, "n": {"type": "integer", **({"maximum": 6} if self.chance(0.6) else {})}}
        flow["input_schema"] = {"type": "object", "required": ["n"], "properties": properties}
        flow["output"] = self.output(Names([], nodes, in_output=True))
        if self.chance(0.3):
            flow |= {"max_retry": 1, "retry_countdown": 0}
        return flow

    def _width(self) -> int:
        return self.dice.choice([1, 1, 1, 2, 2, 3])

    def _more(self, nodes: list[str]) -> list[str]:
        return [self.dice.choice(nodes)] if nodes and self.chance(0.12) else []

    def _edge(self, edges: list[Json], sources: list[str], to: list[str]) -> Json:
        if self.chance(0.08):
            to = [*to, to[0]]
        names = Names(sources, _above(edges, sources))
        edge: Json = {"from": sources[0] if len(sources) == 1 else sources or None}
        edge["to"] = to[0] if len(to) == 1 else to
        if self.chance(0.35):
            edge["condition"] = Expressions(self.dice, names).truth()
        item = None
        if self.chance(0.25):
            listed = Expressions(self.dice, names).numbers(1)
            if self.chance(0.4):
                listed, item = '[{"n": one, "text": "item"} for one in ' + listed + "]", "item.n"
            else:
                item = "item"
            edge["foreach"] = listed
            if self.chance(0.3):
                item = item.replace("item", "each")
                edge["foreach"] = {"in": listed, "as": "each"}
        goes_to_flow = any(node in FLOWS for node in to)
        bare = item is not None and self.chance(0.4) and (not goes_to_flow or item.endswith(".n"))
        if not bare and (goes_to_flow or item is not None or self.chance(0.8)):
            edge["args"] = self.template(Names(names.sure, names.perhaps, item, bare=0.2))
            if self.chance(0.1):
                edge["args"] = "${" + self.dice.choice(sources or ["args"]) + "}"
        return edge

    def _failure(self, flow: Json, failing: list[str]) -> Json:
        failed = self.dice.choice(failing)
        rescue = RESCUE_TASKS[0]
        self.used.add(rescue)
        args = self.template(Names([], [node for node in _above(flow["edges"], [failed]) if node != failed]))
        told = failed in TASKS
        if told:
            args |= {"why": f"${{failed.{failed}.type}}", "tries": f"${{failed.{failed}.attempts}}"}
        if self.chance(0.5):
            self.used.add(RESCUE_TASKS[1])
            given = self.template(Names([rescue], []))
            if told:
                given["why"] = f"first ${{failed.{failed}.type}}"
            flow["edges"].append({"from": rescue, "to": RESCUE_TASKS[1], "args": given})
        entry = {"nodes": failed, "fallback": rescue, "args": args}
        return {**entry, "propagate_failure": True} if self.chance(0.2) else entry


def _above(edges: list[Json], nodes: list[str]) -> list[str]:
    """The nodes on the way to these, without them."""
    found = list(nodes)
    for node in found:
        for edge in edges:
            if node in _listed(edge["to"]):
                found += [name for name in _listed(edge["from"]) if name not in found]
    return found[len(nodes) :]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def _drawn(seed: str) -> Json:
    draft = _Draft(seed)
    names = FLOWS[: draft.dice.randint(1, 3)]
    flows = [draft.flow(name, names[position + 1 :]) for position, name in reversed(list(enumerate(names)))]
    flows.reverse()
    tasks: list[Json] = []
    for name in sorted(draft.used):
        task: Json = {"name": name, "import": MODULE, "classname": "Computing", "storage": "Memory"}
        if draft.chance(0.6):
            task["output_schema"] = _RESULT
        if name in FAILING and draft.chance(0.5):
            task |= {"max_retry": 1, "retry_countdown": 0}
        tasks.append(task)
    items = [3, 1, 2][: draft.dice.randint(0, 3)]
    node_args = {"n": draft.dice.randint(0, 6), "flag": draft.chance(0.5), "items": items}
    storage = {"name": "Memory", "import": MODULE, "classname": "DictStorage"}
    return {
        "nodes": {"tasks": tasks, "storages": [storage], "flows": names},
        "flow_definitions": flows,
        "behaviour": {"tasks": {}, "parentless": []},
        "request": {"flow": "main", "node_args": node_args, "selective": None},
        "without_parent": [],
        "compare": ["status", "finished", "failed", "runs", "outputs"],
    }


def configuration_of(case: Json) -> Json:
    """What the YAML file of a case holds."""
    return {**case["nodes"], "flow-definitions": case["flow_definitions"]}


def plan_of(case: Json) -> Plan | None:
    """The plan of a case, None if it has errors."""
    return compile_text({"nodes.yaml": json.dumps(configuration_of(case))}).plan


def data_flow_case(seed: int) -> Json:
    """The case of this seed: the first of its drawings that has no errors and ends within some node runs."""
    for number in range(100):
        case = _drawn(f"{seed} {number}")
        plan = plan_of(case)
        if plan is not None:
            run = LocalExecutor(plan, LocalOptions(storage="real", max_steps=MOST_STEPS))
            if run.run("main", case["request"]["node_args"]).stopped_by is None:
                return {"name": f"data_flow-{seed}", **case}
    raise AssertionError(f"no drawing of {seed} is valid")


def comparable_data_flow_cases(count: int, first: int = 0) -> list[Json]:
    """Cases from seed ``first`` on whose node runs depend on no order, with the outcome of a local run."""
    found: list[Json] = []
    for seed in itertools.count(first):
        if len(found) == count:
            break
        case = data_flow_case(seed)
        plan = plan_of(case)
        assert plan is not None
        naive, node_args = Naive(case, plan), case["request"]["node_args"]
        naive.run("main", node_args)
        if not naive.depends_on_order:
            run = LocalExecutor(plan, LocalOptions(storage="real")).run("main", node_args)
            found.append({**case, "outcome": outcome_of(run.report(), case)})
    return found
