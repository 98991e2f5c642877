"""Results of node runs, for conditions and expressions: what is asked for them, and how they are read."""

from __future__ import annotations

from copy import copy
from typing import Any, NamedTuple, Protocol

from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.references import Reference, Referring
from selinon_core.errors import ResultMissingError, UnknownStorageError, UserFunctionError
from selinon_core.plan import FlowPlan
from selinon_core.runtime.json_values import LONGEST_SHOWN
from selinon_core.runtime.storages import Storages

#: The default of ``selinon_max_args_bytes``.
MOST_BYTES = 256 * 1024


class Limits(NamedTuple):
    """How large arguments and outputs may be, in bytes of JSON. ``refers``: large plain paths are not in them.

    ``seen``: how many characters of JSON are kept of each value that a condition read, 0: none is kept.
    """

    most: int = MOST_BYTES
    refers: bool = False
    seen: int = LONGEST_SHOWN


#: In one process results are at hand, and reports show values.
LOCAL = Limits()


class Asking(NamedTuple):
    """The flow run that asks: its definition, id, number of the attempt, and the ``parent`` that it was given."""

    flow: FlowPlan
    id: str
    attempt: int
    parent: dict[str, Any]


class Failure(NamedTuple):
    """How a node run failed for good: ``failed.X`` of an expression."""

    type: str
    message: str
    attempts: int


class Results(Protocol):
    """What a driver knows of node runs, by their ids."""

    def locate(self, task_id: str) -> str | None:
        """The flow in which a task run was, None when that is not known."""
        ...

    def result_of(self, task_id: str) -> Any:
        """A result that no storage holds; raises ``KeyError`` when it is not known."""
        ...

    def failure_of(self, run: NodeRun) -> Failure:
        """How a node run failed; raises ``StorageError`` when that cannot be read now."""
        ...


class ReferredResults:
    """Reads the results that arguments refer to, each once."""

    def __init__(self, storages: Storages) -> None:
        self.storages = storages
        self._read: dict[str, Any] = {}

    def decoded(self, args: Any) -> Any:
        """Arguments with the values that they refer to.

        Raises ``StorageError`` when a storage is away, ``ResultMissingError`` for a result that is gone,
        ``UserFunctionError`` for one that is not kept.
        """
        return args.resolved(self.referred) if args.__class__ is Referring else args

    def referred(self, reference: Reference) -> Any:
        """The part of a result that a reference names; raises as ``decoded``."""
        part = self.result(reference.flow, reference.task, reference.id)
        for step in reference.path:
            try:
                part = part[step]
            except (KeyError, IndexError, TypeError):
                where = ".".join(str(one) for one in reference.path)
                text = f"the result of {reference.task} (run {reference.id}) has no {where} any more"
                raise ResultMissingError(text) from None
        return part

    def result(self, flow_name: str, task: str, id: str) -> Any:
        """The result of a task run; it is not to be changed. Raises as ``decoded``."""
        found = self._read.get(id, self)
        if found is not self:
            return found
        try:
            found = self._read[id] = self.storages.retrieve(flow_name, task, id)
        except ResultMissingError as error:
            raise ResultMissingError(f"the result of {task} (run {id}) is gone: {error}") from error
        except UnknownStorageError as error:
            raise UserFunctionError(f"the result of {task} (run {id}) cannot be read: {error}") from error
        return found


def with_values(outcome: FlowOutcome, storages: Storages) -> FlowOutcome:
    """An outcome whose output has the values that it refers to; raises as ``ReferredResults.decoded``."""
    if outcome.output.__class__ is not Referring:
        return outcome
    return copy(outcome).with_output(ReferredResults(storages).decoded(outcome.output))


class ResultReader(ReferredResults):
    """Reads the results of node runs for the expressions of one flow run."""

    def __init__(self, storages: Storages, flow: FlowPlan, results: Results) -> None:
        # Not by a call of the base class: this is done for every question about an expression.
        self.storages = storages
        self._read: dict[str, Any] = {}
        self.results = results
        self._flow = flow

    def of(self, run: NodeRun) -> Any:
        """The result of a run that succeeded: a task's as its storage has it, the declared output of a flow.

        Raises as ``decoded``, and ``UserFunctionError`` for the output of a flow that declares none.
        """
        if not run.is_flow:
            return self.result(self.flow_of(run), run.name, run.id)
        outcome = run.outcome
        if outcome is None or not outcome.has_output:
            raise UserFunctionError(f"flow {run.name} declares no output, so its run {run.id} has no value")
        return self.decoded(outcome.output)

    def flow_of(self, run: NodeRun) -> str:
        """The flow where the result of a task run is stored: of an earlier run, where this one reuses it."""
        return self.results.locate(run.id) or self._flow.name


class SourceResults:
    """The results of one combination of source runs, read when a predicate asks."""

    def __init__(self, storages: Storages, flow: FlowPlan, sources: tuple[NodeRun, ...]) -> None:
        self._storages = storages
        self._flow = flow
        self.sources = sources

    def message(self, path: tuple[str, ...]) -> Any:
        """The result of a source task, or the outcome of a source flow as a mapping; not to be changed."""
        run = self._source(path[0])
        if not run.is_flow:
            return self._storages.retrieve(self._flow.name, run.name, run.id)
        outcome = run.outcome
        assert outcome is not None
        return {"finished_nodes": outcome.finished, "failed_nodes": outcome.failed}

    def messages(self, path: tuple[str, ...]) -> list[Any]:
        """The results of all runs of a task inside a source flow, in order of finishing."""
        run = self._source(path[0])
        if len(path) == 1:
            return [self.message(path)]
        assert run.outcome is not None
        below: list[FlowOutcome] = [run.outcome]
        for name in path[1:-1]:
            below = [inner for outcome in below for inner in outcome.subflows.get(name, ())]
        task, flow = path[-1], path[-2]
        ids = [id for outcome in below for id in outcome.finished.get(task, ())]
        return [self._storages.retrieve(flow, task, id) for id in ids]

    def _source(self, name: str) -> NodeRun:
        for run in self.sources:
            if run.name == name:
                return run
        raise UserFunctionError(f"the condition reads {name}, which is not a source of the edge")
