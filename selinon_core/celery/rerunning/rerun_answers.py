"""Answers to the questions of flow runs that run others again, on workers.

The recorded run is read from the state store once in a process, and what becomes of each of its node runs follows
from it, from what was asked for (in the header of the run at the top) and from the files of this worker. So any
worker can answer, and the answers in the log are what counts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.rerunning.stored_run import StoredRun
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import FlowRun, NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.references import shown
from selinon_core.errors import MigrationError, RequestError, ResultMissingError, StorageError
from selinon_core.migrations.versions import FlowVersions
from selinon_core.rerunning.definitions import Definitions
from selinon_core.rerunning.preview import THEN, Preview
from selinon_core.rerunning.recorded import Recorded
from selinon_core.rerunning.request import Request
from selinon_core.rerunning.reuse import NOT_GIVEN, Reuse
from selinon_core.runtime.results import ReferredResults
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.trace.run_records import NodeRecord

#: How many reruns a process remembers.
REMEMBERED = 8
#: In place of other arguments than the recorded ones: they equal nothing.
_OTHER_ARGS: Any = object()


class RerunAnswers:
    """Answers for one process; safe under threads."""

    def __init__(self, store: Store, flows: FlowVersions, storages: Storages) -> None:
        self._store = store
        self._flows = flows
        self._storages = storages
        self._lock = threading.Lock()
        #: What becomes of what was recorded, by the id of the rerun at the top.
        self._previews: OrderedDict[str, Preview] = OrderedDict()
        #: By the id of a flow run: what answers for its machine. Another machine of the run has other nodes.
        self._reuses: OrderedDict[str, tuple[FlowRun, Reuse]] = OrderedDict()

    def answer(self, run: CachedRun, question: do.Question, results: Mapping[str, Any]) -> on.Event | None:
        """The answer to a question of a run that runs another one again; None: it is to be asked as ever.

        ``results`` takes what is given to a task without storage. Raises ``StateStoreError``.
        """
        number = question.question
        try:
            reuse = self._reuse(run)
            if isinstance(question, do.AskFirstResult):
                return self._first_result(reuse, run, question)
            if not isinstance(question, do.AskRecorded):
                return reuse.decision(run.flow, run.machine, question)
            given = reuse.given(run.flow, run.machine, question)
            if given is NOT_GIVEN:
                return self._recorded(reuse, run, question)
            self._give(run, question.node_run, given, cast(MutableMapping[str, Any], results))
            return on.ReuseAnswered(number, question.node_run.id)
        except StorageError as error:
            return on.QuestionDeferred(number, str(error))
        except (RequestError, MigrationError) as error:
            return on.QuestionFailed(number, f"what the flow run is to run again cannot be read: {error}")

    def _reuse(self, run: CachedRun) -> Reuse:
        with self._lock:
            machine, reuse = self._reuses.get(run.id, (None, None))
            if reuse is None or machine is not run.machine:
                reuse = Reuse(self._preview(run), self._has_same_result)
                self._reuses[run.id] = run.machine, reuse
            _keep_newest(self._reuses, run.id)
            return reuse

    def _preview(self, run: CachedRun) -> Preview:
        root = run.root
        found = self._previews.get(root)
        if found is None:
            found = self._previews[root] = self._made(root, run)
        _keep_newest(self._previews, root)
        return found

    def _made(self, root: str, run: CachedRun) -> Preview:
        header = run.header
        if root != run.id:
            fields = self._store.header(root)
            if fields is None:
                raise RequestError(f"the state of flow run {root} is gone")
            header = RunHeader.read(fields)
        asked = header.rerun
        seen = StoredRun(self._store, self._flows, asked["of"], asked["at"])
        plan, request = self._flows.plan, Request.from_json(asked, _OTHER_ARGS)
        return Preview(Recorded(seen), plan, request, definitions=Definitions(seen.definitions, plan))

    def _first_result(
        self, reuse: Reuse, run: CachedRun, question: do.AskFirstResult
    ) -> on.FirstResultAnswered | None:
        """What a first node that is reused gave to the flow: it may be in no storage."""
        recorded = reuse.preview.recorded
        of = recorded.flow_runs.get(run.header.rerun_of or "")
        if of is None or question.node_run.id not in recorded.by_id or of.machine.current.awaits_args:
            return None
        return on.FirstResultAnswered(question.question, of.machine.current.args)

    def _recorded(self, reuse: Reuse, run: CachedRun, question: do.AskRecorded) -> on.ReuseAnswered:
        answer = reuse.answer(run.flow, run.machine, question)
        id, node = answer.reused_id, question.node_run
        if id is not None and not node.is_flow and reuse.preview.state_of(id) == THEN:
            # It was not certain when the rerun was asked for that this one is reused.
            task = self._flows.plan.tasks[node.name]
            if task.storage is not None:
                try:
                    self._storages.retrieve(run.flow.name, node.name, id)
                except ResultMissingError:
                    return on.ReuseAnswered(question.question, None)
        return answer

    def _give(self, run: CachedRun, node: NodeRun, value: Any, results: MutableMapping[str, Any]) -> None:
        task = self._flows.plan.tasks[node.name]
        if task.storage is None:
            results[node.id] = value
        elif not task.storage_readonly:
            self._storages.store(shown(node.args), run.flow.name, node.name, node.id, value)

    def _has_same_result(self, new: NodeRun, recorded: NodeRecord) -> bool:
        reader = ReferredResults(self._storages)
        if new.is_flow:
            outcome, was = new.outcome, recorded.run.outcome
            if outcome is None or was is None or not (outcome.has_output and was.has_output):
                return False
            return bool(reader.decoded(outcome.output) == reader.decoded(was.output))
        flow, name = recorded.flow_run.flow.name, new.name
        if self._flows.plan.tasks[name].storage is None:
            return False
        try:
            return bool(reader.result(flow, name, new.id) == reader.result(flow, name, recorded.run.id))
        except ResultMissingError:
            return False


def _keep_newest(known: OrderedDict[str, Any], id: str) -> None:
    known.move_to_end(id)
    while len(known) > REMEMBERED:
        known.popitem(last=False)
