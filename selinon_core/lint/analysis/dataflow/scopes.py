"""The names that the expressions of an edge, a fallback or an output may use, with what is known of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from selinon_core.config.model import EdgeDef, FailureDef, FlowDef, ForeachItemsDef, TaskDef
from selinon_core.diagnostics.wording import quoted
from selinon_core.expressions.checking.known_names import Entry, Family, Known, Refused
from selinon_core.expressions.names import RESERVED
from selinon_core.expressions.types import (
    ANY,
    INTEGER,
    STRING,
    Type,
    constant,
    list_of,
    object_of,
    type_of_value,
)
from selinon_core.lint.analysis.dataflow.places import (
    ALWAYS_SEVERAL,
    NEVER_RUNS,
    NO_OUTPUT,
    NOT_STORED,
    PLACE,
    SEVERAL,
    UNTYPED,
    FlowScope,
    Part,
)

#: What is worked out when a flow run is asked for or begins, before any node runs.
_AT_THE_START = {
    Part.LABELS: ("the labels", "labels are worked out when the flow run begins"),
    Part.LIMIT: ("the limit", "the key of a limit is worked out before the flow run begins"),
}
_FAILURE = object_of({"type": STRING, "message": STRING, "attempts": INTEGER})


class Scope:
    """The names of one place; ``item`` is the type of the items of its foreach."""

    def __init__(
        self,
        shared: FlowScope,
        part: Part,
        origin: EdgeDef | FailureDef | None = None,
        item: Type = ANY,
    ) -> None:
        self._shared = shared
        self._part = part
        self._origin = origin
        self._item = item
        foreach = origin.foreach if isinstance(origin, EdgeDef) else None
        self._foreach = foreach
        self._has_items = foreach is not None and part is Part.ARGS
        named = foreach.item_name if isinstance(foreach, ForeachItemsDef) else None
        self._item_name = "item" if named is None else named.name
        self._nodes: dict[str, Entry | None] = {}
        self._found: dict[str, Entry] = {}

    # --- the names -------------------------------------------------------------------------------------------

    def find(self, name: str) -> Entry | None:
        """What is known of a name."""
        if self._has_items and name == self._item_name:
            return Known(self._item, is_there=True)
        finder = _FINDERS.get(name)
        if finder is None:
            return self._node(name)
        found = self._shared.names if name in _SAME_EVERYWHERE else self._found
        if name not in found:
            found[name] = finder(self)
        return found[name]

    def names(self) -> Iterable[str]:
        """The names that have a value here."""
        nodes = [name for name in self._runnable() if isinstance(self._node(name), Known)]
        items = (self._item_name, "index") if self._has_items else ()
        failed = ("failed",) if self._failed_nodes else ()
        every = ("all", "last") if self._part is Part.OUTPUT else ()
        return dict.fromkeys((*nodes, "args", *items, *failed, *every, "vars", "env", "flow"))

    def _args(self) -> Entry:
        flow = self._shared.flow
        what = f"the arguments of {flow.name.name}"
        if flow.node_args_from_first:
            return Known(ANY, what, is_there=True)
        type_, source = self._shared.types.arguments(flow)
        return Known(type_, what, source, is_there=True)

    def _of_foreach(self, name: str) -> Entry:
        if self._has_items and name == "index":
            return Known(INTEGER, is_there=True)
        if self._has_items:
            message = f'the item of this foreach is called "{self._item_name}"'
            instead = (self._item_name,) if name == "item" else ()
            return Refused(PLACE, message, f'write "{self._item_name}"', instead=instead)
        if self._foreach is not None:
            note = f"{self._part.value} is worked out before there are items"
            return Refused(PLACE, f'"{name}" is known in "args" only', note)
        what = "the item" if name == "item" else "the position of an item"
        return Refused(PLACE, f'"{name}" is {what} of a foreach, and there is none here')

    @property
    def _failed_nodes(self) -> tuple[str, ...]:
        if self._origin is None or self._part is Part.FOREACH:
            return ()
        if isinstance(self._origin, FailureDef) and self._part is not Part.ARGS:
            return ()
        return self._shared.ways.handled_before(self._origin)

    def _failed(self) -> Entry:
        nodes = self._failed_nodes
        if not nodes:
            note = "no failed node was handled before"
            help = '"failed.X" is for the "args" of failures, and for edges behind a fallback'
            return Refused(PLACE, '"failed" has nothing in this place', note, help)
        certain = isinstance(self._origin, FailureDef)

        def find(name: str) -> Known | None:
            if name not in nodes:
                return None
            missing = "" if certain else f'"{name}" may not have failed on the way to this edge'
            return Known(_FAILURE, missing=missing, is_there=certain)

        return Family(find, lambda: nodes, "failed node")

    def _every(self, name: str) -> Entry:
        if self._part is not Part.OUTPUT:
            help = 'pass the results of a foreach on through a sub-flow with an "output"'
            return Refused(PLACE, f'"{name}" is known in "output" only', "runs may still follow", help)

        def find(node: str) -> Known | Refused | None:
            entry = self._read(node)
            if not isinstance(entry, Known):
                return entry
            type_ = list_of(entry.type) if name == "all" else entry.type
            missing = ""
            if name == "last" and self._shared.ways.may_lack_run(node):
                missing = f'"{node}" may not have run'
            return Known(type_, f"{name}.{node}", entry.source, missing, name == "all")

        return Family(find, self._runnable, "node")

    def _vars(self) -> Entry:
        values = self._shared.constants
        return Family(
            lambda name: Known(type_of_value(values[name]), is_there=True) if name in values else None,
            lambda: values,
            "constant",
        )

    def _env(self) -> Entry:
        listed = self._shared.model.settings.env
        return Family(
            lambda name: Known(STRING, is_there=True) if name in listed else None,
            lambda: listed,
            "environment variable",
        )

    def _flow(self) -> Entry:
        known = {"id": STRING, "name": constant(self._shared.flow.name.name), "attempt": INTEGER}
        return Family(
            lambda name: Known(known[name], is_there=True) if name in known else None,
            lambda: known,
            "property of the flow run",
        )

    def _results(self) -> Entry:
        def find(name: str) -> Known | Refused | None:
            entry = self._node(name)
            return None if isinstance(entry, Family) else entry

        return Family(find, self._runnable, "node")

    # --- nodes -----------------------------------------------------------------------------------------------

    def _runnable(self) -> list[str]:
        model = self._shared.model
        return [name for name in self._shared.graph.starters if name not in RESERVED and model.node(name)]

    def _read(self, name: str) -> Known | Refused | None:
        """The result of a node that runs in this flow, whenever that is."""
        results = self._shared.results
        if name not in results:
            results[name] = self._result(name)
        return results[name]

    def _result(self, name: str) -> Known | Refused | None:
        model, graph = self._shared.model, self._shared.graph
        node = model.node(name)
        if node is None:
            return Known(ANY) if name in model.maybe_defined else None
        if not graph.may_start(name) and graph.reliable:
            return Refused(NEVER_RUNS, f'"{name}" never runs in this flow', "no edge and no fallback starts it")
        if isinstance(node, TaskDef):
            refused = _not_stored(node)
        else:
            refused = _without_output(node)
        if refused is not None:
            return refused
        type_, source = self._shared.types.result(name)
        what = f"{name}'s {'output' if isinstance(node, FlowDef) else 'result'}"
        return Known(type_, what, source, remarks=_untyped(name, type_))

    def _node(self, name: str) -> Entry | None:
        if name not in self._nodes:
            entry = self._read(name)
            if entry is not None and self._part in _AT_THE_START:
                what, note = _AT_THE_START[self._part]
                entry = Refused(NEVER_RUNS, f'"{name}" never runs before {what}', note)
            if isinstance(entry, Known) and self._shared.model.node(name) is not None:
                entry = self._before(name, entry) if self._origin is not None else self._at_the_end(name, entry)
            self._nodes[name] = entry
        return self._nodes[name]

    def _before(self, name: str, entry: Known) -> Known | Refused:
        """A node that is named by an edge or by a fallback."""
        origin, ways = self._origin, self._shared.ways
        assert origin is not None
        sources = [ref.name for ref in (origin.sources if isinstance(origin, EdgeDef) else origin.nodes) or ()]
        if isinstance(origin, EdgeDef) and name in sources:
            return entry._replace(is_there=True)
        if not self._shared.graph.reliable:
            return entry
        if not sources:
            note = "nothing runs before a starting edge"
            return Refused(NEVER_RUNS, f'"{name}" never runs before this edge', note)
        if not ways.comes_before(origin, name):
            return self._never(name, origin, sources) if ways.are_complete(origin) else entry
        what = "this edge" if isinstance(origin, EdgeDef) else "this fallback"
        lacks = ways.may_lack(origin, name, self._part is not Part.CONDITION)
        missing = f'"{name}" may not have run on the way to {what}' if lacks else ""
        remarks = entry.remarks
        if ways.may_mean_several(origin, name):
            help = f'make "{name}" a source of the edge' if isinstance(origin, EdgeDef) else ""
            message = f'several runs of "{name}" may lie on the way to {what}'
            remarks = (*remarks, Refused(SEVERAL, message, "which one is meant is not known", help))
        return entry._replace(missing=missing, is_there=lacks is False, remarks=remarks)

    def _never(self, name: str, origin: EdgeDef | FailureDef, sources: list[str]) -> Refused:
        if name in self._shared.ways.handled_before(origin):
            message = f'"{name}" has failed before and has no result here'
            return Refused(NEVER_RUNS, message, "its failure was handled", f"write failed.{name}")
        what = "this edge" if isinstance(origin, EdgeDef) else "this fallback"
        note = f"it is not on the way to {quoted(dict.fromkeys(sources))}"
        help = f'make "{name}" a source of the edge' if isinstance(origin, EdgeDef) else ""
        return Refused(NEVER_RUNS, f'"{name}" never runs before {what}', note, help)

    def _at_the_end(self, name: str, entry: Known) -> Known:
        """A node that is named by the output of the flow."""
        ways = self._shared.ways
        lacks = ways.may_lack_run(name)
        if ways.may_run_again(name):
            always = ways.always_runs_again(name)
            message = f'"{name}" {"has" if always else "may have"} several runs'
            help = f"write all.{name} for the list of results, last.{name} for the last one"
            reason = ALWAYS_SEVERAL if always else SEVERAL
            refused = Refused(reason, message, "which one is meant is not known", help, _lasts_and_alls(name))
            return entry._replace(remarks=(*entry.remarks, refused))
        missing = f'"{name}" may not have run' if lacks else ""
        return entry._replace(missing=missing, is_there=lacks is False)


def _lasts_and_alls(name: str) -> tuple[str, ...]:
    """What an output may read in place of a node that has several runs."""
    member = f".{name}" if name.isidentifier() else f"[{json.dumps(name, ensure_ascii=False)}]"
    return f"last{member}", f"all{member}"


_FINDERS: dict[str, Callable[[Scope], Entry]] = {
    "args": Scope._args,
    "item": lambda scope: scope._of_foreach("item"),
    "index": lambda scope: scope._of_foreach("index"),
    "failed": Scope._failed,
    "all": lambda scope: scope._every("all"),
    "last": lambda scope: scope._every("last"),
    "vars": Scope._vars,
    "env": Scope._env,
    "flow": Scope._flow,
    "results": Scope._results,
}
#: Of these, the names that mean the same in all places of a flow.
_SAME_EVERYWHERE = frozenset({"args", "vars", "env", "flow"})


def _not_stored(task: TaskDef) -> Refused | None:
    if task.storage is not None and not task.storage_readonly:
        return None
    if task.storage is None and task.has_value("storage"):
        return None  # a broken one
    why = "has no storage" if task.storage is None else "has a read-only storage"
    message = f'the result of "{task.name.name}" is not stored'
    help = f'give task "{task.name.name}" a storage'
    return Refused(NOT_STORED, message, f"the task {why}", help, fails_always=True)


def _without_output(flow: FlowDef) -> Refused | None:
    if flow.output is not None or flow.has_value("output"):
        return None
    message = f'flow "{flow.name.name}" declares no output'
    help = f'add "output" to flow "{flow.name.name}"'
    return Refused(NO_OUTPUT, message, "it has no value", help, fails_always=True)


def _untyped(name: str, type_: Type) -> tuple[Refused, ...]:
    if not type_.is_any:
        return ()
    message = f'nothing is known of what "{name}" gives'
    return (Refused(UNTYPED, message, "what is read of it is not checked", 'give it an "output_schema"'),)
