"""The values of the names of an expression, for one combination of runs: read when they are asked for, and once.

A source of the edge is the run that its combination has. Any other node is the nearest run above the combination
(``dispatch.ancestors``). Without such a run the value is missing; with several it is missing too, because the name
is ambiguous. A result that a storage should have and has not is an error, and so is a result that is not kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selinon_core.dispatch.ancestors import failed_run_meant, runs_meant
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.references import Reference, Referring
from selinon_core.expressions.values import MissingValue
from selinon_core.runtime.results import Asking, ResultReader, SourceResults


class Scope(SourceResults):
    """The names of conditions, foreach and ``args``; also what the leaves of a condition read results from.

    ``sources`` is the combination: the finished runs of an edge, or the failed ones of a failures entry. ``args``
    are the flow's arguments. ``has_item``: there is a foreach, and ``item`` and ``index`` are set for each of
    its items. ``seen`` collects what the tests of a condition read, if it is set.
    """

    def __init__(
        self,
        asking: Asking,
        reader: ResultReader,
        environment: Mapping[str, Mapping[str, Any]],
        sources: tuple[NodeRun, ...],
        args: Any,
        has_item: bool = False,
    ) -> None:
        # Not by a call of the base class: this is done for every question about an expression.
        self._storages = reader.storages
        self._flow = asking.flow
        self.sources = sources
        self.reader = reader
        self.given = args
        self.item: Any = None
        self.index = 0
        self.seen: dict[str, Any] | None = None
        self._asking = asking
        self._environment = environment
        self.has_item = has_item
        self._known: dict[tuple[str, str], Any] = {}

    # -- names of expressions -----------------------------------------------------------------------------------

    def value(self, kind: str, name: str) -> Any:
        """The value of a name; ``kind`` is one of ``expressions.names``. It is not to be changed.

        Raises ``MissingValue``, and as ``ResultReader.of``.
        """
        if self.has_item and kind in ("item", "index"):
            return self.item if kind == "item" else self.index
        key = (kind, name)
        found = self._known.get(key, self)
        if found is self:
            found = self._known[key] = _VALUES[kind](self, name)
        return found

    def run_meant(self, name: str) -> NodeRun:
        """The one run that the name of a node means; raises ``MissingValue`` for none and for several."""
        found = self._runs(name)
        if len(found) == 1:
            return found[0]
        raise MissingValue(self._not_one(name, found))

    def _not_one(self, name: str, found: Sequence[NodeRun]) -> str:
        if not found:
            return f"no run of {name} led here"
        return f"{len(found)} runs of {name} may be meant ({_ids(found)}): make {name} a source of the edge"

    def reference(self, kind: str, name: str, path: tuple[str | int, ...]) -> Reference | None:
        """The address of a part of a node's result, or of ``args``; None where no storage has it."""
        if kind == "args":
            return self.given.reference_at(path) if self.given.__class__ is Referring else None
        run = self.run_meant(name)
        if not run.is_flow:
            return Reference(self.reader.flow_of(run), name, run.id, path)
        output = None if run.outcome is None else run.outcome.output
        return output.reference_at(path) if isinstance(output, Referring) else None

    def _runs(self, name: str) -> Sequence[NodeRun]:
        return runs_meant(self.sources, name)

    def _node(self, name: str) -> Any:
        return self.reader.of(self.run_meant(name))

    def _args(self, name: str) -> Any:
        return self.reader.decoded(self.given)

    def _failed(self, name: str) -> Any:
        run = failed_run_meant(self.sources, name)
        if run is None:
            raise MissingValue(f"no failed run of {name} was handled on the way here")
        return self.reader.results.failure_of(run)._asdict()

    def _constant(self, name: str) -> Any:
        if not name:
            return self._asking.flow.constants
        constants = self._asking.flow.constants
        if name not in constants:
            raise MissingValue(f"there is no vars.{name}")
        return constants[name]

    def _variable(self, name: str) -> Any:
        listed = self._environment.get(name)
        if listed is None:
            raise MissingValue(f"env.{name} is not listed under global.env")
        value = listed["value"] if "value" in listed else os.environ.get(name)
        if value is not None:
            return value
        if "default" not in listed:
            raise MissingValue(f"the environment variable {name} is not set, and has no default under global.env")
        return listed["default"]

    def _about_flow(self, name: str) -> Any:
        asking = self._asking
        about = {"id": asking.id, "name": asking.flow.name, "attempt": asking.attempt}
        if not name:
            return about
        if name not in about:
            raise MissingValue(f"there is no flow.{name}: there are flow.id, flow.name and flow.attempt")
        return about[name]

    def _nowhere(self, name: str) -> Any:
        raise MissingValue("there is no item here")

    def _all(self, name: str) -> Any:
        raise MissingValue(f"all.{name} is known in the output of a flow only")

    def _last(self, name: str) -> Any:
        raise MissingValue(f"last.{name} is known in the output of a flow only")


class OutputScope(Scope):
    """The names of a flow's ``output``. ``finished`` has the finished runs by name, in canonical order."""

    def __init__(
        self,
        asking: Asking,
        reader: ResultReader,
        environment: Mapping[str, Mapping[str, Any]],
        finished: Mapping[str, Sequence[NodeRun]],
        args: Any,
    ) -> None:
        super().__init__(asking, reader, environment, (), args)
        self._finished = finished

    def _runs(self, name: str) -> Sequence[NodeRun]:
        return self._finished.get(name, ())

    def _not_one(self, name: str, found: Sequence[NodeRun]) -> str:
        if not found:
            return f"no run of {name} finished"
        return (
            f"{len(found)} runs of {name} finished ({_ids(found)}): all.{name} has them all, last.{name} the last"
        )

    def _all(self, name: str) -> Any:
        return [self.reader.of(run) for run in self._runs(name)]

    def _last(self, name: str) -> Any:
        runs = self._runs(name)
        if not runs:
            raise MissingValue(f"no run of {name} finished")
        return self.reader.of(runs[-1])


def _ids(runs: Sequence[NodeRun]) -> str:
    return ", ".join(run.id for run in runs[:3]) + (", ..." if len(runs) > 3 else "")


_VALUES: dict[str, Callable[[Any, str], Any]] = {
    "node": Scope._node,
    "results": Scope._node,
    "args": Scope._args,
    "item": Scope._nowhere,
    "index": Scope._nowhere,
    "failed": Scope._failed,
    "all": lambda scope, name: scope._all(name),
    "last": lambda scope, name: scope._last(name),
    "vars": Scope._constant,
    "env": Scope._variable,
    "flow": Scope._about_flow,
}
