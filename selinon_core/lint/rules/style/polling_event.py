from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import ImportDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule

#: Events that 1.x emitted while polling -> when they are emitted now.
EVENTS = {
    "DISPATCHER_RETRY": "is emitted only when a decision is put off, not while a flow waits",
    "DISPATCHER_WAKEUP": "is never emitted",
    "NODE_STATE_CACHE_ADD": "is never emitted",
    "NODE_STATE_CACHE_GET": "is never emitted",
    "NODE_STATE_CACHE_HIT": "is never emitted",
    "NODE_STATE_CACHE_ISSUE": "is never emitted",
    "NODE_STATE_CACHE_MISS": "is never emitted",
}


class PollingEvent(Rule):
    """A trace function waits for events of polling.

    What it does: Looks at projects that import ``selinon``.
    Looks in the code of trace functions and trace storages for names of events that Selinon 1.x emitted while
    polling (``Trace.DISPATCHER_RETRY`` or its text): ``DISPATCHER_RETRY``, ``DISPATCHER_WAKEUP`` and
    ``NODE_STATE_CACHE_...``.

    Why it is bad: Flows continue when their nodes end; no dispatcher wakes up to ask whether they did. Counts and
    measures from these events (how long flows wait, whether the dispatcher is alive) are always zero.

    Example:
        # tracing.py
        #   from selinon import Trace
        #   def count_waits(event, report):
        #       if event == Trace.DISPATCHER_RETRY:
        #           print(report["flow_name"])
        global:
          trace:
            - function: {import: tracing, name: count_waits}
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        # tracing.py
        #   from selinon import Trace
        #   def count_ends(event, report):
        #       if event in (Trace.NODE_SUCCESSFUL, Trace.NODE_FAILURE):
        #           print(report["flow_name"])
        global:
          trace:
            - function: {import: tracing, name: count_ends}
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL914"
    severity = Severity.INFO
    title = "trace function that waits for events of polling"
    about_selinon_1 = True

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for trace in project.model.settings.trace:
            if trace.function is not None:
                yield from self._told(project, trace.function, trace.function.name.name)
            storage = None if trace.storage is None else project.model.storage_by_name.get(trace.storage.name)
            if storage is not None and storage.function is not None:
                sink = trace.sinks.get("storage")
                method = (sink.get("method") if isinstance(sink, dict) else None) or "trace"
                yield from self._told(project, storage.function, f"{storage.function.name.name}.{method}")

    def _told(self, project: LintContext, function: ImportDef, called: str) -> Iterator[Diagnostic]:
        symbol = project.code.lookup(function.module.name, function.name.name)
        if symbol is None:
            return
        _, _, method = called.partition(".")
        seen = set()
        for event, span in project.code.words_of(symbol, method or None):
            if event in EVENTS and event not in seen:
                seen.add(event)
                yield self.found(
                    function.name.location,
                    f'"{called}" waits for {event}, which {EVENTS[event]}',
                    note="differs from Selinon 1.x",
                    related=(Related(span, "it is named here"),),
                )
