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
    position: int = 0
    refused: str | None = None


class Ending(NamedTuple):
    """How an attempt or the flow run ended."""

    succeeded: bool
    finished: dict[str, list[Key]]
    failed: dict[str, list[Key]]
    active: frozenset[Key]
    unreached: tuple[str, ...]
    output: Any = None


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
        self._see()
        while refused := [key for key, run in self.view.runs.items() if run.refused and self._runs(key)]:
            for key in refused:
                self.ends[key] = (False, None)
                self.order.append(key)
            if any(self.view.runs[key].name in self.flow.eager_failures for key in refused):
                self._fail()
                return
            self._see()
        view = self.view
        if self.active(view) or view.open:
            return
        if view.stuck or view.handled_for_failure:
            self._fail()
            return
        unreached = self._unreached(view) if self.on_unreached != "ignore" else ()
        if unreached and self.on_unreached == "fail":
            self._fail(unreached)
        elif self.flow.output is None:
            self.endings.append(self._ending(True, unreached))
            self.status = "ended"
        else:
            question = ("output", self.label)
            if self._ask(view, question, self._args(False)):
                self.endings.append(self._ending(True, unreached)._replace(output=self.answers[question]))
                self.status = "ended"
            self.past_questions.update(view.questions)

    def _see(self) -> None:
        self.view = view = self._derive()
        self.past.update(view.runs)
        self.past_questions.update(view.questions)
        self.seen += [key for key in view.runs if key not in self.seen]

    def _runs(self, key: Key) -> bool:
        return key in self.active(self.view)

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
        fan_out = edge.foreach is not None
        if edge.foreach is not None:
            question = ("foreach", self.label, edge.index, combination)
            if not self._ask(view, question, args):
                return
            items = self.answers[question] or []
            if not items:
                view.no.add(edge.index)
        given: list[Any] = [None] * len(items)
        if edge.args is not None and self.subset is None and items:
            places = tuple(range(len(items)))
            question = ("args", self.label, edge.index, combination, edge.destinations, places, None)
            if not self._ask(view, question, args, items if fan_out else None):
                return
            given = self.answers[question]
        count: dict[str, int] = {}
        for position, item in enumerate(items):
            by_item = edge.foreach is not None and edge.foreach.propagate_result
            for name in edge.destinations:
                ordinal = count[name] = count.get(name, -1) + 1
                start = _Start(edge, combination, name, ordinal, position)
                shown = item if fan_out else args
                self._destination(view, start, item if by_item else args, by_item, shown, given[position])

    def _destination(
        self, view: View, start: _Start, args: Any, by_item: bool, shown: Any, given: list[Any] | None
    ) -> None:
        """``given`` is what the args of the edge gave, None if they were not asked for yet, or there are none."""
        edge, combination, name, ordinal, position = start
        reused = False
        if self.subset is not None:
            assert self.selective is not None
            wanted = self.subset[edge.index]
            if wanted and name not in wanted:
                view.no.add(edge.index)
                return
            if not self._is_direct(name):
                question = ("reuse", self.label, edge.index, combination, name, ordinal)
                if not self._ask(view, question, shown, self.selective.tasks):
                    return
                reused = self.answers[question] is not None
            if edge.args is not None and not reused:
                given = self._given_to_selected(view, start, shown)
                if given is None:
                    return
        key = run_key("edge", self.label, edge.index, combination, name, ordinal)
        if key in view.runs:
            return
        is_flow = self.plan.is_flow(name)
        refused = None
        if edge.args is not None:
            args, refused = (None, None) if given is None else given_to(given, name)
        elif is_flow and not by_item and name not in self.flow.propagate_node_args:
            args = None
        parent = {}
        if not is_flow or name in self.flow.propagate_parent:
            parent = self._parent_of(view, combination)
        failures = None
        if not is_flow or name in self.flow.propagate_parent_failures:
            failures = self._inherited(view, combination) if combination else self.start_failures or None
        view.runs[key] = Run(key, name, edge.index, combination, args, parent, failures, reused, position, refused)

    def _is_direct(self, name: str) -> bool:
        """Whether a selective run starts the node without asking for an earlier run."""
        assert self.selective is not None
        return self.plan.is_flow(name) or name in self.selective.tasks

    def _given_to_selected(self, view: View, start: _Start, item: Any) -> list[Any] | None:
        edge, combination, name, ordinal, position = start
        assert self.subset is not None
        if self._is_direct(name):
            wanted = self.subset[edge.index] or edge.destinations
            names = tuple(n for n in edge.destinations if n in wanted and self._is_direct(n))
            question = ("args", self.label, edge.index, combination, names, (position,), None)
        else:
            question = ("args", self.label, edge.index, combination, (name,), (position,), ordinal)
        items = None if edge.foreach is None else [item]
        answered = self._ask(view, question, self._args(not edge.sources), items)
        return self.answers[question][0] if answered else None

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
        given = None
        if entry.args is not None and entry.fallback:
            question = ("args", self.label, "fallback", entry.index, use)
            if not self._ask(view, question, self._args(False), None):
                return
            given = self.answers[question][0]
        for name in entry.fallback:
            ordinal = count[name] = count.get(name, -1) + 1
            key = run_key("fallback", self.label, entry.index, use, name, ordinal)
            is_flow = self.plan.is_flow(name)
            args = self._args(False) if not is_flow or name in self.flow.propagate_node_args else None
            refused = None
            if given is not None:
                args, refused = given_to(given, name)
            takes_parent = not is_flow or name in self.flow.propagate_parent
            takes_failures = not is_flow or name in self.flow.propagate_parent_failures
            parent = self._merged_parents(view, handled) if takes_parent else {}
            failures = self._failures_of(view, handled) if takes_failures else None
            view.runs[key] = Run(key, name, None, handled, args, parent, failures, False, entry.index, refused)

    # -- lineage ------------------------------------------------------------------------------------------------

    def meant(self, combination: tuple[Key, ...], name: str) -> set[Key]:
        """The runs that a name means behind a combination."""
        runs = self.view.runs
        for key in combination:
            if runs[key].name == name:
                return {key} if self._ended_well(self.view, key) else set()
        return {key for key in self._first_above(combination, name) if self._ended_well(self.view, key)}

    def _first_above(self, combination: tuple[Key, ...], name: str) -> set[Key]:
        runs = self.view.runs
        found: set[Key] = set()
        for key in combination:
            found |= {key} if runs[key].name == name else self._first_above(runs[key].sources, name)
        return found

    def in_order(self, name: str) -> list[Key]:
        """The finished runs of a node in canonical order."""
        finished = [key for key in self.order if self.view.runs[key].name == name]
        return sorted((key for key in finished if self._ended_well(self.view, key)), key=self._place)

    def _place(self, key: Key) -> tuple[Any, ...]:
        run = self.view.runs[key]
        above = tuple(self._place(source) for source in run.sources)
        depth = 1 + max((place[0] for place in above), default=0)
        return depth, above, run.edge is None, run.edge or 0, run.position, self.seen.index(key)

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


class _Start(NamedTuple):
    """A destination of an edge as it is started: which of several equal ones, and the place of its item."""

    edge: EdgePlan
    combination: tuple[Key, ...]
    name: str
    ordinal: int
    position: int


def given_to(given: list[Any], name: str) -> tuple[Any, str | None]:
    """The args of a node, or why it cannot have any."""
    if given[0] == 1:
        return None, given[1]
    reason = given[2].get(name) if len(given) > 2 else None
    if reason is not None:
        return None, reason
    with_defaults = given[4] if len(given) > 4 else {}
    return (with_defaults[name][0] if name in with_defaults else given[1]), None


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
