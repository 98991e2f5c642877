"""Answers about a run: why a node ran, did not run, failed or waits, what an edge decided, how the run ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.diagnostics.wording import suggestion
from selinon_core.errors import RequestError
from selinon_core.explaining.explanation import Explanation
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.run_view import RunView
from selinon_core.explaining.words import edge_text, times
from selinon_core.plan import EdgePlan, FlowPlan
from selinon_core.runtime.redaction import Redaction, redaction
from selinon_core.runtime.trace.run_records import NodeRecord

#: The version of ``Answer.to_json``.
VERSION = 1
#: Every ``Answer.verdict``: the first four are about nodes and edges, the others about runs too.
VERDICTS = ("ran", "not_run", "waiting", "running", "failed", "reused")
#: Node runs of one name that are explained one by one.
_MOST_RUNS = 10


class Answer(NamedTuple):
    """What became of a node, an edge or a whole run, and why.

    ``subject`` is ``{"run", "flow", "node", "id", "edge"}``; what does not apply is None. ``text`` is a sentence.
    """

    subject: Mapping[str, Any]
    verdict: str
    text: str
    because: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "version": VERSION,
            "subject": dict(self.subject),
            "verdict": self.verdict,
            "text": self.text,
            "because": [reason.to_json() for reason in self.because],
        }

    def masked(self, hidden: Redaction) -> Answer:
        """This answer without the values that ``global.redact`` hides."""
        found = hidden.masked(self.to_json())
        because = tuple(Reason.from_json(reason) for reason in found["because"])
        return Answer(found["subject"], self.verdict, found["text"], because)


class Answers:
    """Answers questions about one run. What ``global.redact`` hides is in no answer."""

    def __init__(self, seen: RunView) -> None:
        self._seen = seen
        self._why = Explanation(seen)
        self._hidden = redaction(seen.plan.settings.redact)

    def of_node(self, reference: str) -> list[Answer]:
        """Of every node run that a reference names (``Name``, ``Name#2``, ``flow/Name``), else why there is none.

        Raises ``RequestError`` for a name that no flow of the run has.
        """
        records = self._seen.runs_of(reference)
        if records:
            return [self._of_record(record).masked(self._hidden) for record in records[:_MOST_RUNS]]
        name = reference.partition("#")[0].rpartition("/")[2]
        known = list(dict.fromkeys(node for flow in self._seen.plan.flows.values() for node in _nodes(flow)))
        if name not in known:
            raise RequestError(_unknown(f"no node is named {name!r}", suggestion(name, known)))
        ran = len(self._seen.runs_of(reference.partition("#")[0]))
        if ran:
            raise RequestError(f"{reference.partition('#')[0]} ran {times(ran)}")
        where = self._seen.root.flow.name
        has_ended = self._seen.root.outcome is not None
        text = f"{reference} {'did not run' if has_ended else 'has not run yet'} in {where}"
        answer = Answer(self._subject(node=reference), "not_run", text, self._why.not_ran(reference))
        return [answer.masked(self._hidden)]

    def of_edge(self, text: str) -> list[Answer]:
        """Of an edge of the flow that ran: its index, its name, or its ends as messages show them (``A -> B``)."""
        found = [(flow, edge) for flow in self._flows() for edge in flow.edges if _is_named(edge, text)]
        if not found:
            known = [edge_text(edge) for flow in self._flows() for edge in flow.edges]
            raise RequestError(
                _unknown(f"no edge is {text!r}", suggestion(text, known) or "its ends name it: A -> B")
            )
        return [self._of_edge(flow, edge).masked(self._hidden) for flow, edge in found]

    def not_run(self) -> list[Answer]:
        """Of every node of the flows that ran, but those that only fallbacks start, which no edge started."""
        answers = []
        for flow in self._flows():
            ran = {record.run.name for record in self._seen.records if record.flow_run.flow.name == flow.name}
            for name in dict.fromkeys(node for edge in flow.edges for node in edge.destinations):
                if name not in ran:
                    reference = name if flow.name == self._seen.root.flow.name else f"{flow.name}/{name}"
                    answers += self.of_node(reference)
        return answers

    def of_run(self) -> Answer:
        """How the run ended, or where it is."""
        return self._of_run().masked(self._hidden)

    def _of_run(self) -> Answer:
        root = self._seen.root
        name, outcome = root.flow.name, root.outcome
        if outcome is None:
            active = [record for record in self._seen.records if record.run.status == "active"]
            because = tuple(self._active(record) for record in active[:_MOST_RUNS])
            return Answer(self._subject(), "running", f"{name} has not ended", because + self._seen.undecided())
        if outcome.succeeded:
            return Answer(self._subject(), "ran", f"{name} succeeded", ())
        stopped = self._why.stopped(root)
        if outcome.cancelled:
            return Answer(self._subject(), "failed", f"{name} was cancelled", self._why.flow_failed())
        reason = f": {outcome.reason}" if outcome.reason else ""
        if stopped and stopped[0].kind == "unanswered":  # the reason of the run says it
            stopped = ()
        of_nodes = () if stopped and stopped[0].kind == "eager-failure" else self._why.flow_failed()
        because = self._seen.undecided() + stopped + of_nodes
        return Answer(self._subject(), "failed", f"{name} failed{reason}", because)

    # -- single answers -----------------------------------------------------------------------------------------

    def _of_record(self, record: NodeRecord) -> Answer:
        run, label, flow = record.run, self._seen.label(record), record.flow_run.flow.name
        subject = self._subject(flow=flow, node=label, id=run.id)
        started = self._why.ran(record)
        tried = f" after {record.attempts} attempts" if record.attempts > 1 else ""
        if run.status == "reused":
            return Answer(subject, "reused", f"{label} was reused in {flow}", (started,))
        if run.status == "failure":
            ended = () if record.run.is_flow else self._why.attempts(record)[:-1]
            return Answer(
                subject, "failed", f"{label} failed in {flow}{tried}", (self._why.failed(record), *ended, started)
            )
        if run.status == "active":
            verdict = self._seen.live(record)
            waits = verdict is not None and verdict.kind != "being-run"
            return Answer(
                subject,
                "waiting" if waits else "running",
                f"{label} {'waits' if waits else 'has not ended'} in {flow}",
                (self._active(record), started),
            )
        return Answer(subject, "ran", f"{label} ran in {flow}{tried}", (started,))

    def _active(self, record: NodeRecord) -> Reason:
        found = self._seen.live(record)
        if found is not None:
            return found._replace(text=f"{self._seen.label(record)} {found.text}")
        return self._why.active(record.run.id)

    def _of_edge(self, flow: FlowPlan, edge: EdgePlan) -> Answer:
        considered = self._seen.facts.considered().get((flow.name, edge.index), 0)
        fired = self._seen.facts.fired().get((flow.name, edge.index), 0)
        text = f"edge {edge_text(edge)} of {flow.name}"
        text += f" was considered {times(considered)} and {f'fired {times(fired)}' if fired else 'never fired'}"
        if not considered:
            text = f"edge {edge_text(edge)} of {flow.name} was not considered"
        subject = self._subject(flow=flow.name, edge=edge.index)
        because = self._why.edge(flow.name, edge) or (Reason("edge", "it has no condition", str(edge.place)),)
        return Answer(subject, "ran" if fired else "not_run", text, because)

    def _flows(self) -> Iterator[FlowPlan]:
        """The flows that ran, each once."""
        yield from {record.flow.name: record.flow for record in self._seen.facts.flows}.values()

    def _subject(
        self, flow: str | None = None, node: str | None = None, id: str | None = None, edge: int | None = None
    ) -> dict[str, Any]:
        root = self._seen.root
        return {"run": root.id, "flow": flow or root.flow.name, "node": node, "id": id, "edge": edge}


def cut(reasons: Sequence[Reason], depth: int) -> tuple[Reason, ...]:
    """Reasons with what stands behind them down to a depth, from 1."""
    return tuple(reason._replace(of=cut(reason.of, depth - 1) if depth > 1 else ()) for reason in reasons)


def _nodes(flow: FlowPlan) -> Iterator[str]:
    for edge in flow.edges:
        yield from edge.sources
        yield from edge.destinations
    for entry in flow.failures:
        yield from entry.fallback


def _unknown(text: str, hint: str) -> str:
    return f"{text}: {hint}" if hint else text


def _is_named(edge: EdgePlan, text: str) -> bool:
    if text.isascii() and text.isdigit():
        return edge.index == int(text)
    return text in (edge.name, edge_text(edge))
