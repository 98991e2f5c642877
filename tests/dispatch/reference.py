"""The rules of a flow run, naive and slow: a second opinion on what the dispatch machine decides.

It knows the *facts* of an attempt (which runs ended how, which questions were answered how) and derives from
them, from scratch every time it is looked at, everything that must have been started or asked by then. There are
no counters, no indexes, no increments: every edge is tried with every combination of succeeded runs until nothing
new comes up, then the failed runs are looked at, then the edges again.

Runs and questions have no numbers here but keys that say what they are: attempt, edge, the keys of the
combination, and which of several equal ones. So what is derived cannot depend on when it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from selinon_core.dispatch import FlowOutcome, SelectiveRun
from selinon_core.plan import EdgePlan, FailurePlan, Plan

Key = str
QuestionKey = tuple[Any, ...]


def run_key(*what: Any) -> Key:
    """A short name for a run: its node and a digest of what led to it. The node is the fourth of ``what``."""
    return f"{what[4]}~{hashlib.blake2b(repr(what).encode(), digest_size=6).hexdigest()}"


class Run(NamedTuple):
    """A run as it was started. ``parent`` and ``failures`` hold keys (and ids of runs outside) for ids."""

    key: Key
    name: str
    edge: int | None
    sources: tuple[Key, ...]
    args: Any
    parent: dict[str, Any]
    failures: dict[str, Any] | None
    reused: bool


class Ending(NamedTuple):
    """How an attempt or the flow run ended."""

    succeeded: bool
    finished: dict[str, list[Key]]
    failed: dict[str, list[Key]]
    active: frozenset[Key]
    unreached: tuple[str, ...]


class View:
    """Everything that follows from the facts of one attempt."""

    def __init__(self) -> None:
        self.runs: dict[Key, Run] = {}
        self.questions: dict[QuestionKey, tuple[Any, ...]] = {}
        self.open: set[QuestionKey] = set()
        self.no: set[int] = set()
        self.fired: set[int] = set()
        self.handled: list[Key] = []
        self.handled_for_failure: list[Key] = []
        self.uses: dict[int, int] = {}
        self.asked_entries: dict[int, int] = {}
        self.stuck = False


class Reference:
    """One flow run. ``status`` is ``running``, ``waiting`` (for a retry) or ``ended``."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        on_unreached: str,
        args: Any,
        parent: dict[str, Any] | None,
        failures: dict[str, Any] | None,
        selective: SelectiveRun | None,
    ) -> None:
        self.plan = plan
        self.flow = plan.flows[name]
        self.on_unreached = on_unreached
        self.start_args = args
        self.start_parent = parent or {}
        self.start_failures = failures
        self.selective = selective
        self.subset = None if selective is None else selective.edges.get(name)
        self.status = "running"
        self.attempt = 0
        self.endings: list[Ending] = []
        self.past: dict[Key, Run] = {}
        self.past_questions: dict[QuestionKey, tuple[Any, ...]] = {}
        self._begin()

    @property
    def label(self) -> Any:
        """What keys of this attempt begin with."""
        return self.attempt

    # -- facts --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.attempt += 1
        self.status = "running"
        self.ends: dict[Key, tuple[bool, FlowOutcome | None]] = {}
        self.order: list[Key] = []
        self.answers: dict[QuestionKey, Any] = {}
        self.seen: list[Key] = []
        self._look()

    def node_ended(self, key: Key, succeeded: bool, outcome: FlowOutcome | None) -> None:
        if self.status != "running" or key not in self.active(self.view):
            return
        self.ends[key] = (succeeded, outcome)
        self.order.append(key)
        if not succeeded and self.view.runs[key].name in self.flow.eager_failures:
            self._fail()
        else:
            self._look()

    def answered(self, question: QuestionKey, value: Any) -> None:
        if self.status != "running" or question not in self.view.open:
            return
        self.answers[question] = value
        if question[0] == "reuse" and value is not None and question[4] not in self.flow.nowait:
            self.order.append(self._key_of_reuse(question))
        self._look()

    def question_failed(self, question: QuestionKey) -> None:
        if self.status == "running" and question in self.view.open:
            self._fail()

    def retry_due(self) -> None:
        if self.status == "waiting":
            self._begin()

    def stopped(self) -> None:
        """The deadline passed, or the run was cancelled."""
        if self.status == "running":
            self.endings.append(self._ending(False))
        elif self.status == "waiting":
            self.endings.append(self.endings[-1]._replace(active=frozenset(), unreached=()))
        self.status = "ended"

    # -- what follows -------------------------------------------------------------------------------------------

    def _look(self) -> None:
        self.view = view = self._derive()
        self.past.update(view.runs)
        self.past_questions.update(view.questions)
        self.seen += [key for key in view.runs if key not in self.seen]
        if self.active(view) or view.open:
            return
        if view.stuck or view.handled_for_failure:
            self._fail()
            return
        unreached = self._unreached(view) if self.on_unreached != "ignore" else ()
        if unreached and self.on_unreached == "fail":
            self._fail(unreached)
        else:
            self.endings.append(self._ending(True, unreached))
            self.status = "ended"

    def _fail(self, unreached: tuple[str, ...] = ()) -> None:
        self.endings.append(self._ending(False, unreached))
        self.status = "waiting" if self.attempt <= self.flow.max_retry else "ended"

    def _ending(self, succeeded: bool, unreached: tuple[str, ...] = ()) -> Ending:
        view = self.view
        finished: dict[str, list[Key]] = {}
        failed: dict[str, list[Key]] = {}
        for key in self.order:
            name = view.runs[key].name
            if self._ended_well(view, key):
                finished.setdefault(name, []).append(key)
            elif not succeeded and (key not in view.handled or key in view.handled_for_failure):
                failed.setdefault(name, []).append(key)
        active = frozenset(key for key in self.active(view) if key not in self.ends)
        return Ending(succeeded, finished, failed, active, unreached)

    def active(self, view: View) -> set[Key]:
        """The runs the flow waits for."""
        return {
            key
            for key, run in view.runs.items()
            if key not in self.ends and not run.reused and not self.is_unwaited(run)
        }

    def is_unwaited(self, run: Run) -> bool:
        """Whether no node waits for the run."""
        return run.name in self.flow.nowait

    def first_view(self) -> View:
        """What is known before anything follows."""
        return View()

    def _derive(self) -> View:
        view = self.first_view()
        while True:
            self._follow_edges(view)
            if self.active(view) or view.open:
                return view
            unhandled = [key for key in self._failed(view) if key not in view.handled]
            if not unhandled:
                return view
            if not self._fallbacks(view, unhandled):
                view.stuck = not view.open
                return view

    def _follow_edges(self, view: View) -> None:
        before = -1
        while before != len(view.runs) + len(view.questions):
            before = len(view.runs) + len(view.questions)
            for name in {run.name for run in view.runs.values()}:
                self._taken(view, name)  # asks for the arguments, also when no edge leads on
            for edge in self.flow.edges:
                for combination in product(*(self._taken(view, name) for name in edge.sources)):
                    if self.subset is None or edge.index in self.subset:
                        self._consider(view, edge, combination)

    def _ended_well(self, view: View, key: Key) -> bool:
        return view.runs[key].reused or (key in self.ends and self.ends[key][0])

    def _taken(self, view: View, name: str) -> list[Key]:
        """The runs of a name whose success edges may use, in the order in which they ended."""
        taken = []
        for key in self.order:
            run = view.runs.get(key)
            if run is None or run.name != name or self.is_unwaited(run):
                continue
            if self._ended_well(view, key) and (not self._is_first(run) or self._arguments_known(view, key)):
                taken.append(key)
        return taken

    def _is_first(self, run: Run) -> bool:
        return self.flow.node_args_from_first and run.edge is not None and not run.sources

    def _arguments_known(self, view: View, key: Key) -> bool:
        return self._ask(view, ("arguments", self.label, key))

    def _ask(self, view: View, question: QuestionKey, *about: Any) -> bool:
        """Whether the question is answered."""
        view.questions.setdefault(question, about)
        if question in self.answers:
            return True
        view.open.add(question)
        return False

    def _args(self, starting: bool) -> Any:
        if self.flow.node_args_from_first and not starting:
            for question, value in self.answers.items():
                if question[0] == "arguments":
                    return value
        return self.start_args

    # -- edges --------------------------------------------------------------------------------------------------

    def _consider(self, view: View, edge: EdgePlan, combination: tuple[Key, ...]) -> None:
        args = self._args(not edge.sources)
        if edge.condition is not None:
            question = ("condition", self.label, edge.index, combination)
            if not self._ask(view, question, args):
                return
            if not self.answers[question]:
                view.no.add(edge.index)
                return
        view.fired.add(edge.index)
        items: list[Any] = [None]
        if edge.foreach is not None:
            question = ("foreach", self.label, edge.index, combination)
            if not self._ask(view, question, args):
                return
            items = self.answers[question] or []
            if not items:
                view.no.add(edge.index)
        count: dict[str, int] = {}
        for item in items:
            by_item = edge.foreach is not None and edge.foreach.propagate_result
            for name in edge.destinations:
                ordinal = count[name] = count.get(name, -1) + 1
                given = item if by_item else args
                shown = item if edge.foreach is not None else args
                self._destination(view, edge, combination, name, ordinal, given, by_item, shown)

    def _destination(
        self,
        view: View,
        edge: EdgePlan,
        combination: tuple[Key, ...],
        name: str,
        ordinal: int,
        given: Any,
        by_item: bool,
        shown: Any,
    ) -> None:
        reused = False
        if self.subset is not None:
            assert self.selective is not None
            wanted = self.subset[edge.index]
            if wanted and name not in wanted:
                view.no.add(edge.index)
                return
            if not self.plan.is_flow(name) and name not in self.selective.tasks:
                question = ("reuse", self.label, edge.index, combination, name, ordinal)
                if not self._ask(view, question, shown, self.selective.tasks):
                    return
                reused = self.answers[question] is not None
        key = run_key("edge", self.label, edge.index, combination, name, ordinal)
        if key in view.runs:
            return
        is_flow = self.plan.is_flow(name)
        if is_flow and not by_item and name not in self.flow.propagate_node_args:
            given = None
        parent = {}
        if not is_flow or name in self.flow.propagate_parent:
            parent = self._parent_of(view, combination)
        failures = None
        if not is_flow or name in self.flow.propagate_parent_failures:
            failures = self._inherited(view, combination) if combination else self.start_failures or None
        view.runs[key] = Run(key, name, edge.index, combination, given, parent, failures, reused)

    @staticmethod
    def _key_of_reuse(question: QuestionKey) -> Key:
        _, attempt, edge, combination, name, ordinal = question
        return run_key("edge", attempt, edge, combination, name, ordinal)

    # -- parents and failures -----------------------------------------------------------------------------------

    def _parent_of(self, view: View, combination: tuple[Key, ...]) -> dict[str, Any]:
        if not combination:
            return dict(self.start_parent)
        return {name: value for key in combination for name, value in self._shown(view, key)}

    def _shown(self, view: View, key: Key) -> Iterator[tuple[str, Any]]:
        """How a succeeded run shows up in ``parent``."""
        name = view.runs[key].name
        if not self.plan.is_flow(name):
            yield name, key
            return
        outcome = self.ends[key][1]
        if name in self.flow.propagate_finished:
            tree = nested(outcome, True)
        elif name in self.flow.propagate_compound_finished:
            tree = flattened(outcome, True)
        else:
            return
        if tree:
            yield name, tree

    def _given_parents(self, view: View, run: Run) -> Iterator[tuple[int, str, Any]]:
        """What a run has in its ``parent``, each with when it was started: 0 if before this flow run."""
        if self.plan.is_flow(run.name) and run.name not in self.flow.propagate_parent:
            return
        if run.edge is None:
            for key in run.sources:
                yield from self._given_parents(view, view.runs[key])
        elif not run.sources:
            for name, value in self.start_parent.items():
                yield 0, name, value
        else:
            for key in run.sources:
                for name, value in self._shown(view, key):
                    yield 1 + self.seen.index(key), name, value

    def _merged_parents(self, view: View, handled: tuple[Key, ...]) -> dict[str, Any]:
        """Of two ids for one name the later-started wins."""
        found = [given for key in handled for given in self._given_parents(view, view.runs[key])]
        return {name: value for _, name, value in sorted(found, key=lambda given: given[0])}

    def _inherited(self, view: View, combination: tuple[Key, ...]) -> dict[str, Any] | None:
        merged: dict[str, Any] = {}
        for key in combination:
            _merge(merged, view.runs[key].failures or {})
        return merged or None

    def _failures_of(self, view: View, handled: tuple[Key, ...]) -> dict[str, Any]:
        failures = dict(self._inherited(view, handled) or {})
        for key in handled:
            name = view.runs[key].name
            if not self.plan.is_flow(name):
                failures[name] = [key]
                continue
            outcome = self.ends[key][1]
            tree = {}
            if name in self.flow.propagate_failures:
                tree = nested(outcome, False)
            elif name in self.flow.propagate_compound_failures:
                tree = flattened(outcome, False)
            if tree:
                failures[name] = tree
        return failures

    # -- fallbacks ----------------------------------------------------------------------------------------------

    def _failed(self, view: View) -> list[Key]:
        return [key for key in self.order if key in view.runs and not self._ended_well(view, key)]

    def _fallbacks(self, view: View, unhandled: list[Key]) -> bool:
        """One fallback step on these runs, oldest first; false when a question is open or nothing was handled."""

        def oldest(name: str) -> Key | None:
            for key in unhandled:
                if view.runs[key].name == name and key not in view.handled:
                    return key
            return None

        sets = sorted({entry.nodes for entry in self.flow.failures}, key=lambda nodes: (-len(nodes), nodes))
        applicable = [nodes for nodes in sets if all(oldest(name) for name in nodes)]
        holding: dict[tuple[str, ...], list[FailurePlan]] = {nodes: [] for nodes in applicable}
        for entry in self.flow.failures:
            if entry.nodes in holding and self._holds(view, entry):
                holding[entry.nodes].append(entry)
        if view.open:
            return False
        handled_any = False
        for nodes in applicable:
            while holding[nodes] and all(oldest(name) for name in nodes):
                handled = tuple(oldest(name) or "" for name in nodes)
                view.handled += handled
                handled_any = True
                for entry in holding[nodes]:
                    if entry.propagate_failure:
                        view.handled_for_failure += handled
                    self._run_fallback(view, entry, handled)
        return handled_any

    def _holds(self, view: View, entry: FailurePlan) -> bool:
        if entry.condition is None:
            return True
        times = view.asked_entries[entry.index] = view.asked_entries.get(entry.index, -1) + 1
        question = ("fallback", self.label, entry.index, times)
        return self._ask(view, question, self._args(False)) and bool(self.answers[question])

    def _run_fallback(self, view: View, entry: FailurePlan, handled: tuple[Key, ...]) -> None:
        use = view.uses[entry.index] = view.uses.get(entry.index, -1) + 1
        count: dict[str, int] = {}
        for name in entry.fallback:
            ordinal = count[name] = count.get(name, -1) + 1
            key = run_key("fallback", self.label, entry.index, use, name, ordinal)
            is_flow = self.plan.is_flow(name)
            args = self._args(False) if not is_flow or name in self.flow.propagate_node_args else None
            takes_parent = not is_flow or name in self.flow.propagate_parent
            takes_failures = not is_flow or name in self.flow.propagate_parent_failures
            parent = self._merged_parents(view, handled) if takes_parent else {}
            failures = self._failures_of(view, handled) if takes_failures else None
            view.runs[key] = Run(key, name, None, handled, args, parent, failures, False)

    # -- nodes that never had a chance --------------------------------------------------------------------------

    def _unreached(self, view: View) -> tuple[str, ...]:
        started = {run.name for run in view.runs.values()}
        succeeded = {run.name for key, run in view.runs.items() if self._ended_well(view, key)}
        by_edges = [name for edge in self.flow.edges for name in edge.destinations]
        possible: set[str] = set()
        for _ in by_edges:
            for edge in self.flow.edges:
                if possible.issuperset(edge.sources):
                    possible.update(edge.destinations)
        fallbacks = {name for entry in self.flow.failures for name in entry.fallback}
        explained = fallbacks - possible - started
        for _ in by_edges:
            for edge in self.flow.edges:
                omitted = self.subset is not None and edge.index not in self.subset
                behind_failure = any(name in started and name not in succeeded for name in edge.sources)
                behind_explained = any(name in explained for name in edge.sources)
                if edge.index in view.no or omitted or behind_failure or behind_explained:
                    explained.update(set(edge.destinations) - started)
        return tuple(n for n in dict.fromkeys(by_edges) if n not in started and n not in explained)


def nested(outcome: FlowOutcome | None, finished: bool) -> dict[str, Any]:
    """``{Task: [ids], subflow: {Task: [ids]}}`` of the runs that ended that way, without what is empty."""
    tree: dict[str, Any] = {}
    if outcome is None:
        return tree
    for name, ids in (outcome.finished if finished else outcome.failed).items():
        if name not in outcome.subflows:
            tree[name] = list(ids)
            continue
        below: dict[str, Any] = {}
        for run in outcome.subflows[name]:
            if run.succeeded == finished:
                _append(below, nested(run, finished))
        if below:
            tree[name] = below
    return tree


def _append(into: dict[str, Any], tree: dict[str, Any]) -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            _append(into.setdefault(name, {}), value)
        else:
            into[name] = into.get(name, []) + value


def flattened(outcome: FlowOutcome | None, finished: bool) -> dict[str, Any]:
    """``{Task: [ids]}`` of all tasks below, depth first."""
    flat: dict[str, Any] = {}

    def visit(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for inner_name, inner in value.items():
                visit(inner, inner_name)
        else:
            flat.setdefault(name, []).extend(value)

    if outcome is not None:
        for name, ids in (outcome.finished if finished else outcome.failed).items():
            if name in outcome.subflows:
                for run in outcome.subflows[name]:
                    if run.succeeded == finished:
                        visit(flattened(run, finished), name)
            else:
                visit(list(ids), name)
    return flat


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            inner = dict(into[name])
            _merge(inner, value)
            into[name] = inner
        elif isinstance(value, list) and isinstance(into.get(name), list):
            into[name] = into[name] + [id for id in value if id not in into[name]]
        else:
            into[name] = value
