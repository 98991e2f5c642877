"""What can happen in flows, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selinon_cli.render.columns import table
from selinon_cli.render.style import BOLD, RED, YELLOW, styled
from selinon_core.explaining.reason_text import reason_lines
from selinon_core.plan.text_wrap import printable

if TYPE_CHECKING:
    from selinon_core.explaining.answers import Answer
    from selinon_core.exploring import FailureRow, FlowCheck, Limits, OutcomeKey, Property
    from selinon_core.plan import FlowPlan

_MOST_WAYS = 6
_MOST_ROWS = 20
#: By the id of a finding: why the run that shows it went so.
Explained = Mapping[str, Sequence["Answer"]]


def checks_text(
    checks: Sequence[FlowCheck],
    reasons: Mapping[str, str],
    explained: Explained,
    *,
    every_outcome: bool = False,
    color: bool = False,
) -> str:
    """A block for each flow, and the number of findings. ``reasons`` are those of comments that silence some."""
    blocks = [
        "\n".join(_lines(each, reasons, explained, every_outcome=every_outcome, color=color)) + "\n"
        for each in checks
    ]
    return "\n".join(blocks) + _summary(checks, reasons)


def _lines(
    each: FlowCheck, reasons: Mapping[str, str], explained: Explained, *, every_outcome: bool, color: bool
) -> Iterator[str]:
    yield f"{styled(each.flow.name, BOLD, color)}: {_head(each)}"
    findings = [one for one in each.properties if one.severity != "information"]
    (ends,) = (one for one in each.properties if one.name == "ends")
    first = f"ends {ends.text}" if ends.verdict in ("always", "never", "not within bounds") else ends.text
    yield f"  {first}"
    if not any(one.name == "reachable" and one.verdict != "can happen" for one in each.properties):
        yield "  every node, edge and fallback can be reached"
    yield from _ways(each, every_outcome=every_outcome)
    yield from _failures(each, every_row=every_outcome)
    yield from _cancelled(each)
    if not any(one.name == "silent-end" for one in findings):
        yield "  silent end: none"
    for one in each.properties:
        if one.severity != "information":
            yield from _finding(one, reasons, color)
            yield from _explained(explained.get(one.id, ()))
        elif one.name == "invariant":
            yield f"  {one.verdict}: {one.subject}{'' if one.text.startswith('holds') else f', which {one.text}'}"
        elif one.name == "order" or (one.verdict == "not within bounds" and one.name != "ends"):
            yield f"  {one.verdict}: {one.subject} {one.text}"
    unbounded = [one.subject.removeprefix("node ") for one in each.properties if one.name == "counts"]
    if unbounded:
        yield f"  unbounded: {', '.join(unbounded)} can run again and again"


def _finding(one: Property, reasons: Mapping[str, str], color: bool) -> Iterator[str]:
    reason = reasons.get(one.id)
    severity = "ignored" if reason is not None else one.severity
    shade = {"error": RED, "warning": YELLOW}.get(severity)
    label = severity if shade is None else styled(severity, shade, color)
    about = "" if one.name == "ends" else f"{one.subject} " if one.name == "reachable" else f"{one.subject}: "
    yield f"  {label}: {about}{one.text} [{one.code}] {one.place}"
    if reason:
        yield f"    {reason}"


def _explained(answers: Sequence[Answer]) -> Iterator[str]:
    """Answers about the run that shows a finding, below it."""
    for answer in answers:
        yield f"    {printable(answer.text)}"
        yield from reason_lines(answer.because, 6)


def _head(each: FlowCheck) -> str:
    found = each.exploration
    runs = "1 run" if found.runs == 1 else f"{found.runs} runs"
    if found.is_sampled:
        used_up = " and ".join(sorted(found.cuts & {"budget", "time"}))
        what = f"{runs} were tried, sampled: the {used_up} was used up"
    elif found.cuts - {"failures"}:
        what = f"{runs} within the limits"
    elif "failures" in found.cuts:
        limit = found.limits.failures
        what = f"{runs} are all there are with at most {limit} failure{'s' if limit != 1 else ''}"
    else:
        what = f"{runs} {'is' if found.runs == 1 else 'are'} all there {'is' if found.runs == 1 else 'are'}"
    notes = []
    subflows = [name for name in found.nodes if name in each.summaries.project.plan.flows]
    if subflows and not found.limits.inline:
        notes.append(f"sub-flow{'s' if len(subflows) > 1 else ''} {', '.join(subflows)} by summary")
    for name, worlds in each.summaries.project[each.flow.name].worlds.items():
        labels = [worlds.label(number) for number in range(min(len(worlds.values), 4))]
        more = ", ..." if len(worlds.values) > 4 else ""
        count = "1 world" if len(worlds.values) == 1 else f"{len(worlds.values)} worlds"
        notes.append(f"{name} has {count}: {' | '.join(labels)}{more}")
    return f"{what} ({'; '.join(notes)})" if notes else what


def _ways(each: FlowCheck, *, every_outcome: bool) -> Iterator[str]:
    """The ways to succeed without a failure, or with ``every_outcome`` all ways to end."""
    keys = list(each.exploration.outcomes)
    if every_outcome:
        yield f"  {len(keys)} ways to end"
        for key in keys:
            yield f"    {key.status}: {_runs(key)}{_because(key)}"
        return
    good = [key for key in keys if key.status == "success" and not key.failing]
    if not good:
        yield "  no way to succeed"
        return
    yield f"  {len(good)} way{'s' if len(good) > 1 else ''} to succeed"
    for key in good[:_MOST_WAYS]:
        yield f"    {_runs(key)}"
    if len(good) > _MOST_WAYS:
        yield f"    and {len(good) - _MOST_WAYS} more (--outcomes lists them)"


def _runs(key: OutcomeKey) -> str:
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in key.runs) or "nothing runs"


def _because(key: OutcomeKey) -> str:
    failing = f", failing {', '.join(key.failing)}" if key.failing else ""
    return f"{failing} ({key.reason})" if key.reason else failing


def _failures(each: FlowCheck, *, every_row: bool) -> Iterator[str]:
    from selinon_core.exploring import rows_worth_showing

    rows = list(each.failures) if every_row else rows_worth_showing(each.failures)
    if not rows:
        return
    merged: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        merged.setdefault((_does(row, each.flow), ", ".join(row.fallbacks) or "-"), []).append(_failing(row))
    cells = [(" | ".join(dict.fromkeys(names)), does, after) for (does, after), names in merged.items()]
    shown = cells if every_row else cells[:_MOST_ROWS]
    yield table(("if this fails", "the flow", "after"), shown, indent="  ").rstrip("\n")
    if len(cells) > len(shown):
        yield f"  and {len(cells) - len(shown)} more rows (--outcomes lists them)"


def _cancelled(each: FlowCheck) -> Iterator[str]:
    """What has been done where the flow run is cancelled, without failures."""
    if not each.exploration.limits.cancel:
        return
    rows: dict[tuple[str, str], None] = {}
    for key in each.exploration.outcomes:
        if key.status == "cancelled" and not key.failing:
            ended = [(name, count - (name in key.active)) for name, count in key.runs]
            text = ", ".join(name if count == 1 else f"{count} x {name}" for name, count in ended if count > 0)
            rows[", ".join(key.active) or "(it waits to be tried again)", text or "-"] = None
    if rows:
        shown = list(rows)[:_MOST_ROWS]
        yield table(("if it is cancelled while this runs", "this has ended"), shown, indent="  ").rstrip("\n")
        if len(rows) > len(shown):
            yield f"  and {len(rows) - len(shown)} more rows (--outcomes lists them)"


def _failing(row: FailureRow) -> str:
    if row.status == "timeout":
        return f"{', '.join(row.failing)}, then its time-out passes" if row.failing else "its time-out passes"
    return ", ".join(row.failing)


def _does(row: FailureRow, flow: FlowPlan) -> str:
    if row.status == "success":
        return "succeeds" if row.attempts == 1 else f"succeeds at attempt {row.attempts}"
    if row.status == "timeout":
        return "is stopped, and fails"
    fails = f"fails at attempt {flow.max_retry + 1}" if flow.max_retry else "fails"
    return f"{fails}: {row.reason}" if row.reason else fails


def _summary(checks: Sequence[FlowCheck], reasons: Mapping[str, str]) -> str:
    found = [one for each in checks for one in each.properties if one.severity != "information"]
    left = [one for one in found if one.id not in reasons]
    errors = sum(one.severity == "error" for one in left)
    parts = [
        f"{errors} error{'s' if errors != 1 else ''}",
        f"{len(left) - errors} warning{'s' if len(left) - errors != 1 else ''}",
    ]
    if len(found) > len(left):
        parts.append(f"{len(found) - len(left)} ignored")
    runs = sum(each.exploration.tapes for each in checks)
    flows = f"{len(checks)} flow{'s' if len(checks) != 1 else ''}"
    return f"\n{', '.join(parts)} in {flows}, {runs} runs\n"


def checks_to_json(
    checks: Sequence[FlowCheck], limits: Limits, reasons: Mapping[str, str], explained: Explained
) -> dict[str, Any]:
    """The JSON form; see docs/reference/cli/check.md."""
    flows = {each.flow.name: _flow_to_json(each, limits, reasons, explained) for each in checks}
    return {"version": 1, "flows": flows}


def _flow_to_json(
    each: FlowCheck, limits: Limits, reasons: Mapping[str, str], explained: Explained
) -> dict[str, Any]:
    found = each.exploration
    witnesses = _Witnesses(each)
    return {
        "complete": found.is_complete and not found.cuts,
        "sampled": found.is_sampled,
        "cut_by": sorted(found.cuts),
        "bounds": {
            "failures": limits.failures,
            "visits": limits.visits,
            "items": list(limits.items),
            "infallible": sorted(limits.infallible),
            "budget": limits.budget,
            "cancel": limits.cancel,
        },
        "runs": found.runs,
        "most": dict(found.most),
        "outcomes": [
            {
                "status": key.status,
                "runs": dict(key.runs),
                "failed": list(key.failed),
                "failing": list(key.failing),
                "reason": key.reason,
                "active": list(key.active),
                "attempts": key.attempts,
                "witness": witnesses.of(choices, key.status),
            }
            for key, choices in found.outcomes.items()
        ],
        "properties": [_property_to_json(one, witnesses, reasons, explained) for one in each.properties],
        "failure_table": [
            {
                "failing": list(row.failing),
                "status": row.status,
                "reason": row.reason,
                "fallbacks": list(row.fallbacks),
                "attempts": row.attempts,
            }
            for row in each.failures
        ],
    }


def _property_to_json(
    one: Property, witnesses: _Witnesses, reasons: Mapping[str, str], explained: Explained
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": one.name,
        "subject": one.subject,
        "where": str(one.place),
        "verdict": one.verdict,
        "severity": one.severity,
        "text": one.text,
        "witness": None if one.choices is None else witnesses.of(one.choices, one.text),
    }
    if one.other_choices is not None:
        data["other_witness"] = witnesses.of(one.other_choices, one.text)
    if one.id in explained:
        data["explain"] = [answer.to_json() for answer in explained[one.id]]
    if one.id in reasons:
        data["ignored"] = reasons[one.id]
    return data


class _Witnesses:
    """Witnesses of one flow as JSON; many answers share one."""

    def __init__(self, each: FlowCheck) -> None:
        self._each = each
        self._made: dict[tuple[int, ...], dict[str, Any]] = {}

    def of(self, choices: tuple[int, ...], name: str) -> dict[str, Any]:
        """The case of a run, as the text of a case file, and what it rests on."""
        known = self._made.get(choices)
        if known is None:
            from selinon_core.cases.writing import case_file_text
            from selinon_core.exploring import witness_of

            each = self._each
            witness = witness_of(each.summaries, each.context, choices, f"{each.flow.name}: {name}")
            known = self._made[choices] = {
                "case": case_file_text([witness.case], each.summaries.project.plan),
                "guessed": list(witness.guessed),
                "from_summaries": list(witness.from_summaries),
                "confirmed": witness.is_confirmed,
                "cut": witness.is_cut,
            }
        return known
