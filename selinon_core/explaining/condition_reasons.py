"""What the predicates of conditions looked at, and whether they were true: reasons at the ends of explanations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selinon_core.dispatch import NodeRun
from selinon_core.dispatch.ancestors import runs_meant
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.run_view import RunView
from selinon_core.explaining.words import shown
from selinon_core.plan import Condition, Leaf, Test
from selinon_core.plan.condition_text import condition_text
from selinon_core.plan.functions import leaves_of
from selinon_core.plan.shipped import PREDICATE_MODULES, PREDICATES
from selinon_core.runtime.facts import EdgeConsidered, FallbackConsidered
from selinon_core.runtime.redaction import redaction
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

#: How many values of one predicate are shown.
_MOST = 5


class ConditionReasons:
    """Explains the conditions of one run. ``in_short``: there are no reasons."""

    def __init__(self, seen: RunView, *, in_short: bool = False) -> None:
        self._seen = seen
        self._in_short = in_short
        self._hidden = redaction(seen.plan.settings.redact)

    def of_edge(self, condition: Condition | None, entry: EdgeConsidered) -> Iterator[Reason]:
        """The predicates of an edge, one of the times that it was considered."""
        yield from self._truths(condition, entry.leaves, entry.sources, entry.flow_run, entry.seen)

    def of_fallback(self, entry: FallbackConsidered) -> Iterator[Reason]:
        """The predicates of a failures entry, one of the times that it was considered."""
        yield from self._truths(entry.failure.condition, entry.leaves, entry.handled, entry.flow_run, entry.seen)

    def _truths(
        self,
        condition: Condition | None,
        truths: Sequence[bool | None],
        sources: Sequence[NodeRun],
        flow_run: FlowRecord,
        saw: Mapping[str, Any],
    ) -> Iterator[Reason]:
        if self._in_short:
            return
        for leaf, truth in zip(leaves_of(condition), truths, strict=False):
            if truth is not None:
                read, where, kind = self._seen_by(leaf, sources, flow_run, saw)
                text = condition_text(leaf, limit=60)
                detail = f"is {'true' if truth else 'false'}{read}"
                yield Reason("leaf", text, where, detail=detail, where_kind=kind)

    def _seen_by(
        self, leaf: Leaf | Test, sources: Sequence[NodeRun], flow_run: FlowRecord, saw: Mapping[str, Any]
    ) -> tuple[str, str | None, str]:
        """What a leaf looked at: ``: total was 0``, and where that came from."""
        if isinstance(leaf, Test):
            return self._seen_by_test(leaf, sources, flow_run, saw)
        if reads_arguments(leaf):
            return f": {_field(leaf, self._hidden.masked(flow_run.args))}", None, ""
        records = [record for record in read_by(self._seen, leaf, sources) if self._seen.has_result(record)]
        if not records:
            return "", None, ""
        values = dict.fromkeys(
            _field(leaf, self._hidden.masked(self._seen.result(record))) for record in records[:_MOST]
        )
        places = {self._seen.mocked_at(record) for record in records}
        where, kind = places.pop() if len(places) == 1 else (None, "")
        return f": {', '.join(values)}", where, kind

    def _seen_by_test(
        self, test: Test, sources: Sequence[NodeRun], flow_run: FlowRecord, saw: Mapping[str, Any]
    ) -> tuple[str, str | None, str]:
        from selinon_core.plan.expression_uses import paths_of

        values: dict[str, None] = {}
        places: set[tuple[str | None, str]] = set()
        for path in paths_of(test.text):
            keys = [key for key in path.keys if key is not None]
            if path.use.kind == "args" and None not in path.keys:
                values[_part(path.text, self._hidden.masked(flow_run.args), keys)] = None
            elif path.use.kind == "node" and None not in path.keys:
                for run in runs_meant(sources, path.use.name)[:_MOST]:
                    record = self._seen.by_id.get(run.id)
                    if record is None:
                        continue
                    if path.text in saw and (run.is_flow or not self._seen.has_result(record)):
                        value = self._hidden.masked_under(path.text, saw[path.text])
                        values[f"{path.text} was {shown(value)}"] = None
                    elif run.is_flow or self._seen.has_result(record):
                        read = self._seen.output(record) if run.is_flow else self._seen.result(record)
                        values[_part(path.text, self._hidden.masked(read), keys)] = None
                        places.add(self._seen.mocked_at(record))
        where, kind_of_place = places.pop() if len(places) == 1 else (None, "")
        return (f": {', '.join(values)}" if values else ""), where, kind_of_place


def is_shipped(leaf: Leaf) -> bool:
    """Whether a leaf calls a predicate that comes with selinon."""
    return leaf.function.module in PREDICATE_MODULES and leaf.function.name in PREDICATES


def reads_arguments(leaf: Leaf) -> bool:
    """Whether a leaf is a shipped predicate on the arguments of the flow."""
    return is_shipped(leaf) and PREDICATES[leaf.function.name].takes_node_args


def read_by(seen: RunView, leaf: Leaf, sources: Sequence[NodeRun]) -> Iterator[NodeRecord]:
    """The node runs whose results a leaf reads."""
    if leaf.node is None or (is_shipped(leaf) and not PREDICATES[leaf.function.name].takes_message):
        return
    runs = [seen.by_id[run.id] for run in sources if run.name == leaf.node[0] and run.id in seen.by_id]
    for name in leaf.node[1:]:
        inside = {record.run.id for record in runs}
        runs = [r for r in seen.facts.nodes if r.flow_run.id in inside and r.run.name == name]
    yield from runs


def _field(leaf: Leaf, value: Any) -> str:
    """The part of a value that a leaf is about, as ``total was 0``."""
    key = leaf.args.get("key") if is_shipped(leaf) else None
    if key is None:
        return f"{'args were' if reads_arguments(leaf) else 'the result was'} {shown(value)}"
    path = key if isinstance(key, list) else [key]
    return _part(".".join(map(str, path)), value, path)


def _part(name: str, value: Any, path: Sequence[Any]) -> str:
    """The part of a value at the end of a path, as ``total was 0``."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return f"there was no {name}"
    return f"{name} was {shown(value)}"
