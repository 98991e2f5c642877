"""A naive second opinion on data flow: what the flows of a case do, by the reference machine and Python's `eval`.

The naive interpreter of the rules (`tests.dispatch.reference`) decides what is started; what it asks is answered
here from the texts of the case: expressions are parsed by Python's parser (the language is a part of Python's
grammar), names are looked up in the derived runs, templates are filled in by a walk. Nothing of
`selinon_core.expressions` or `selinon_core.runtime` is used.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from selinon_core.dispatch import FlowOutcome
from selinon_core.plan import Plan
from tests.conformance.scripted import compute
from tests.dispatch.reference import Key, Reference, Run

Json = dict[str, Any]

_WORDS = {"true": True, "false": False, "null": None}
_OF_OUTPUTS = ("all", "last")
_PART = re.compile(r"\$\{([^}]*)\}")


class Missing(Exception):
    """A value that is not there."""


class Unanswerable(Exception):
    """A question whose answer is an error: the attempt fails."""


# -- expressions ------------------------------------------------------------------------------------------------


class _Names(ast.NodeTransformer):
    """Names and fields become calls of functions that say what they are."""

    def __init__(self, item: str) -> None:
        self._item = item
        self._bound: list[str] = []

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node)

    def _comprehension(self, node: Any) -> ast.AST:
        (made,) = node.generators
        made.iter = self.visit(made.iter)
        self._bound.append(made.target.id)
        made.ifs = [self.visit(test) for test in made.ifs]
        node.elt = self.visit(node.elt)
        self._bound.pop()
        return node  # type: ignore[no-any-return]

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in (*_OF_OUTPUTS, "failed"):
            return _call(f"_{node.value.id}", ast.Constant(node.attr))
        return _call("_field", self.visit(node.value), ast.Constant(node.attr))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        assert isinstance(node.func, ast.Name)
        arguments = [self.visit(argument) for argument in node.args]
        if node.func.id in ("default", "has"):
            nothing = ast.arguments([], [], None, [], [], None, [])
            arguments = [ast.Lambda(nothing, argument) for argument in arguments]
        return _call(f"_{node.func.id}" if node.func.id in ("default", "has") else node.func.id, *arguments)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self._bound:
            return node
        if node.id in _WORDS:
            return ast.Constant(_WORDS[node.id])
        if node.id == self._item:
            return _call("_item")
        if node.id in ("args", "index", "vars", "flow"):
            return _call(f"_{node.id}")
        return _call("_node", ast.Constant(node.id))


def _call(name: str, *arguments: Any) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


@cache
def _code(text: str, item: str) -> Any:
    return compile(ast.fix_missing_locations(_Names(item).visit(ast.parse(text, mode="eval"))), text, "eval")


def _field(value: Any, key: str) -> Any:
    if not isinstance(value, dict) or key not in value:
        raise Missing(key)
    return value[key]


def _default(path: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    try:
        value = path()
    except Missing:
        return otherwise()
    return otherwise() if value is None else value


def _has(path: Callable[[], Any]) -> bool:
    try:
        path()
    except Missing:
        return False
    return True


_FUNCTIONS = {"_field": _field, "_default": _default, "_has": _has}


def _filled(template: Any, evaluate: Callable[[str], Any]) -> Any:
    if isinstance(template, dict):
        return {key: _filled(part, evaluate) for key, part in template.items()}
    if not isinstance(template, str):
        return template
    if template.startswith("${") and template.endswith("}") and template.count("${") == 1:
        return evaluate(template[2:-1])
    return _PART.sub(lambda found: _as_text(evaluate(found[1])), template)


def _as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | int) else str(value)


# -- flow runs --------------------------------------------------------------------------------------------------


class Naive:
    """What a case does. After ``run``: ``rows`` of node runs and ``outputs`` of flow runs, each counted.

    ``depends_on_order``: a question failed, so which nodes had been started by then depends on what came first.
    """

    def __init__(self, case: Json, plan: Plan) -> None:
        self.plan = plan
        self.flows = {flow["name"]: flow for flow in case["flow_definitions"]}
        self.tasks = {task["name"]: task for task in case["nodes"]["tasks"]}
        self.rows: Counter[str] = Counter()
        self.outputs: Counter[str] = Counter()
        self.depends_on_order = False
        self.refusals = 0

    def run(self, flow: str, args: Any) -> tuple[bool, Any]:
        """Run a flow; returns whether it succeeded, and its output."""
        filled = self._fitted(flow, args)
        if filled is None:
            self.refusals += 1
            return False, None
        run = _FlowRun(self, flow, filled)
        run.until_the_end()
        for key, one in run.reference.past.items():
            self.rows[json.dumps([flow, one.name, one.args, run.status[key]], sort_keys=True)] += 1
        if run.reference.endings[-1].succeeded:
            self.outputs[json.dumps([flow, run.output], sort_keys=True)] += 1
            return True, run.output
        return False, None

    def _fitted(self, flow: str, args: Any) -> Any:
        """The arguments with defaults filled in, None if they do not fit the input_schema."""
        schema = self.flows[flow]["input_schema"]
        if not isinstance(args, dict) or any(key not in args for key in schema["required"]):
            return None
        kinds = {"integer": int, "boolean": bool, "string": str, "array": list}
        for key, said in schema["properties"].items():
            value = args.get(key, said.get("default"))
            if value is None and key not in args:
                continue
            if type(value) is not kinds[said["type"]] or ("maximum" in said and value > said["maximum"]):
                return None
            if "items" in said and any(type(one) is not int for one in value):
                return None
        return {
            **{key: said["default"] for key, said in schema["properties"].items() if "default" in said},
            **args,
        }

    def refuses(self, node: str, args: Any) -> bool:
        """Whether a node cannot be given these arguments."""
        return node in self.flows and self._fitted(node, args) is None


class _FlowRun:
    def __init__(self, naive: Naive, name: str, args: Any) -> None:
        self.naive = naive
        self.flow = naive.flows[name]
        self.args = args
        self.reference = Reference(naive.plan, name, "warn", args, None, None, None)
        self.results: dict[Key, Any] = {}
        self.failures: dict[Key, Json] = {}
        self.status: dict[Key, str] = {}
        self.output: Any = None

    def until_the_end(self) -> None:
        reference = self.reference
        while reference.status != "ended":
            if reference.status == "waiting":
                reference.retry_due()
            elif reference.view.open:
                self._answer(min(reference.view.open, key=repr))
            else:
                self._end(min(reference.active(reference.view)))
        for key, run in reference.past.items():
            if run.refused is not None:
                self.status[key] = "failure"
            self.status.setdefault(key, "active")

    def _end(self, key: Key) -> None:
        run = self.reference.view.runs[key]
        naive = self.naive
        outcome = None
        if run.name in naive.flows:
            succeeded, result = naive.run(run.name, run.args)
            outcome = FlowOutcome(succeeded, {}, {}, [], {}, None if succeeded else "failed")
        else:
            try:
                succeeded, result = True, compute(run.name, run.args)
            except RuntimeError:
                succeeded, result = False, None
                attempts = 1 + naive.tasks[run.name].get("max_retry", 0)
                self.failures[key] = {"type": "RuntimeError", "attempts": attempts}
        self.results[key] = result
        self.status[key] = "success" if succeeded else "failure"
        self.reference.node_ended(key, succeeded, outcome)

    # -- answers ------------------------------------------------------------------------------------------------

    def _answer(self, question: tuple[Any, ...]) -> None:
        try:
            value = self._worked_out(question)
        except (Missing, Unanswerable):
            self.naive.depends_on_order |= question[0] != "output"
            self.reference.question_failed(question)
        else:
            self.reference.answered(question, value)

    def _worked_out(self, question: tuple[Any, ...]) -> Any:
        kind = question[0]
        if kind == "output":
            finished = _Scope(self, None)
            self.output = _filled(self.flow["output"], finished.evaluate)
            return self.output
        if kind == "args" and question[2] == "fallback":
            entry = self.flow["failures"][question[3]]
            return [self._given(entry, _Scope(self, self._handled(question)), _listed(entry["fallback"]))]
        edge = self.flow["edges"][question[2]]
        foreach = edge.get("foreach")
        listed, item = (foreach["in"], foreach["as"]) if isinstance(foreach, dict) else (foreach, "item")
        scope = _Scope(self, question[3], item)
        if kind == "condition":
            return scope.evaluate(edge["condition"])
        if kind == "foreach":
            return scope.evaluate(listed)
        _, items = self.reference.view.questions[question]
        given = []
        for scope.index, scope.item in enumerate(items if items is not None else [None]):
            given.append(self._given(edge, scope, _listed(edge["to"])))
        return given

    def _given(self, entry: Json, scope: _Scope, nodes: list[str]) -> list[Any]:
        try:
            args = _filled(entry["args"], scope.evaluate)
        except Missing:
            return [1, "missing"]
        return [0, args, {node: "misfit" for node in nodes if self.naive.refuses(node, args)}]

    def _handled(self, question: tuple[Any, ...]) -> tuple[Key, ...]:
        """The failed runs that a use of a failures entry handled: those of its nodes in the order they failed."""
        entry, use = self.reference.flow.failures[question[3]], question[4]
        failed = self.reference._failed(self.reference.view)
        of_node = [[key for key in failed if self.reference.view.runs[key].name == name] for name in entry.nodes]
        return tuple(keys[use] for keys in of_node)


class _Scope:
    """The names of one place; ``combination`` None: of the output."""

    def __init__(self, run: _FlowRun, combination: tuple[Key, ...] | None, item: str = "item") -> None:
        self._run = run
        self._combination = combination
        self._item_name = item
        self.item: Any = None
        self.index = 0
        reference = run.reference
        about = {"attempt": reference.attempt, "name": run.flow["name"]}
        self._functions = _FUNCTIONS | {
            "_args": lambda: run.args,
            "_vars": lambda: run.flow["vars"],
            "_flow": lambda: about,
            "_item": lambda: self.item,
            "_index": lambda: self.index,
            "_node": self._node,
            "_all": self._all,
            "_last": lambda name: self._one(self._finished(name)[-1:]),
            "_failed": self._failed,
        }

    def evaluate(self, text: str) -> Any:
        return eval(_code(text, self._item_name), {"__builtins__": _BUILTINS, **self._functions})

    def _node(self, name: str) -> Any:
        if self._combination is None:
            return self._one(self._finished(name))
        return self._one(sorted(self._run.reference.meant(self._combination, name)))

    def _one(self, keys: list[Key]) -> Any:
        if len(keys) != 1:
            raise Missing("not one run")
        return self._run.results[keys[0]]

    def _finished(self, name: str) -> list[Key]:
        return self._run.reference.in_order(name)

    def _all(self, name: str) -> list[Any]:
        return [self._run.results[key] for key in self._finished(name)]

    def _failed(self, name: str) -> Json:
        assert self._combination is not None
        runs = self._run.reference.view.runs
        found = [key for key in _above(runs, self._combination, name) if self._run.status.get(key) != "success"]
        (key,) = found
        if runs[key].refused is not None:
            return {"type": "ArgumentError", "attempts": 0}
        return self._run.failures[key]


def _above(runs: dict[Key, Run], combination: tuple[Key, ...], name: str) -> set[Key]:
    found: set[Key] = set()
    for key in combination:
        found |= {key} if runs[key].name == name else _above(runs, runs[key].sources, name)
    return found


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


_BUILTINS = {function.__name__: function for function in (len, sum, min, max, any, all, abs)}
