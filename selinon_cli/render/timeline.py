"""A flow run in time: a line per node run, and the critical path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selinon_cli.render.columns import table
from selinon_cli.render.style import BOLD, styled
from selinon_core.celery.reporting.timeline import Span, spans, waiting_share

#: Columns of a bar: ``.`` is waiting for a worker, ``#`` is running.
_BAR = 30
#: Node runs of more lines than these are left out, the short ones first.
_MOST = 200

Json = Mapping[str, Any]


def timeline(run: Json, path: Sequence[Json], now: float, *, color: bool) -> str:
    """The node runs of a run and of its sub-flows, and the critical path."""
    return "".join(_parts(run, path, now, color))


def _parts(run: Json, path: Sequence[Json], now: float, color: bool) -> Iterator[str]:
    end = max([now if run["ended"] is None else run["ended"], *(span.ended for span in spans(run, now))])
    yield f"{run['flow']}  {run['status']}  {end - run['created']:.1f} s  {run['id']}\n"
    shown = spans(run, now)
    if not shown:
        yield "nothing was started\n"
        return
    left_out = len(shown) - _MOST
    if left_out > 0:
        longest = sorted(shown, key=lambda span: span.ended - span.queued)[left_out:]
        kept = {span.number for span in longest} | {step["number"] for step in path}
        shown = [span for span in shown if span.number in kept]
    on_path = {step["number"] for step in path}
    rows = [_row(span, run["created"], end, span.number in on_path) for span in shown]
    yield table(["", "node", "status", "queued", "waited", "ran", "."], rows, color=color, indent="  ")
    if left_out > 0:
        yield f"  {left_out} shorter ones are left out: --format json has all\n"
    steps = ", ".join(f"{step['name']} {step['share']:.0%}" for step in path)
    yield f"{styled('critical path', BOLD, color)} (*): {steps}; {waiting_share(path):.0%} of it is waiting\n"


def _row(span: Span, begin: float, end: float, on_path: bool) -> list[object]:
    ran = "" if span.begun is None else f"{span.running:.2f} s"
    return [
        "*" if on_path else "",
        span.name,
        span.status,
        f"+{span.queued - begin:.2f} s",
        f"{span.waiting:.2f} s",
        ran,
        _bar(span, begin, end),
    ]


def _bar(span: Span, begin: float, end: float) -> str:
    scale = _BAR / (end - begin) if end > begin else 0.0
    queued, ended = int((span.queued - begin) * scale), int((span.ended - begin) * scale)
    begun = ended if span.begun is None else int((span.begun - begin) * scale)
    bar = " " * queued + "." * max(begun - queued, 0)
    return bar + "#" * max(ended - begun, 0 if span.begun is None else 1)
