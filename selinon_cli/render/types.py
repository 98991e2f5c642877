"""The types of what moves in flows, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from selinon_cli.render.style import BOLD, styled
from selinon_cli.render.visible import visible, width
from selinon_core.lint.analysis.dataflow.overview import Entry, FlowTypes, Given, Value


def types_as_text(flows: Iterable[FlowTypes], *, color: bool) -> str:
    """Flows one below the other; an empty line stands between two."""
    return "\n".join("".join(f"{line}\n" for line in _flow(flow, color)) for flow in flows)


def _flow(flow: FlowTypes, color: bool) -> Iterator[str]:
    yield f"{styled(visible(flow.name), BOLD, color)}  ({visible(flow.place)})"
    yield from _rows("  ", [("takes", flow.args)])
    if flow.results:
        yield "  results:"
        yield from _rows("    ", [(each.node, each.type, _in_brackets(each.source)) for each in flow.results])
    for entry in flow.entries:
        yield from _entry(entry)
    if flow.output:
        yield f"  gives  {visible(flow.output)}"
        yield from _rows("    ", [_row(value) for value in flow.values])
        if flow.declared:
            yield f"    output_schema: {visible(flow.declared)}"


def _entry(entry: Entry) -> Iterator[str]:
    arrow = " => " if entry.is_fallback else " -> "
    yield f"  {visible(_nodes(entry.sources) + arrow + _nodes(entry.destinations))}  ({visible(entry.place)})"
    for condition in entry.condition:
        yield f"    condition  {visible(condition)}"
    yield from _rows("      ", [_row(value) for value in entry.reads])
    if entry.foreach is not None:
        yield f"    foreach  {visible(entry.foreach.text)}  each: {visible(entry.foreach.type)}"
    if entry.args:
        yield "    args:"
        yield from _rows("      ", [_row(value) for value in entry.args])
    for given in entry.given:
        yield f"    {visible(given.node)} gets {visible(given.type)}, {_how(given)}"
        if given.takes:
            yield f"      input_schema: {visible(given.takes)}"


def _how(given: Given) -> str:
    return "by args" if given.how == "args" else given.how


def _row(value: Value) -> tuple[str, ...]:
    return (value.key, value.text, value.type) if value.key else (value.text, value.type)


def _rows(indent: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows of cells, those of one column below each other."""
    shown = [[visible(cell) for cell in row] for row in rows]
    columns = max((len(row) for row in shown), default=0)
    widths = [max((width(row[n]) for row in shown if len(row) > n + 1), default=0) for n in range(columns)]
    for row in shown:
        padded = [cell + " " * (size - width(cell)) for cell, size in zip(row[:-1], widths, strict=False)]
        yield (indent + "  ".join((*padded, row[-1]))).rstrip()


def _nodes(names: Sequence[str]) -> str:
    return "*" if not names else names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _in_brackets(text: str) -> str:
    return f"({text})" if text else ""


def types_as_data(flows: Iterable[FlowTypes]) -> list[dict[str, Any]]:
    """Flows as JSON data; what there is not is null."""
    return [
        {
            "name": flow.name,
            "where": flow.place,
            "args": flow.args,
            "results": {each.node: {"type": each.type, "source": each.source or None} for each in flow.results},
            "edges": [_data(entry) for entry in flow.entries if not entry.is_fallback],
            "failures": [_data(entry) for entry in flow.entries if entry.is_fallback],
            "output": None
            if not flow.output
            else {
                "type": flow.output,
                "values": [_value(value) for value in flow.values],
                "declared": flow.declared or None,
            },
        }
        for flow in flows
    ]


def _data(entry: Entry) -> dict[str, Any]:
    ends = ("nodes", "fallback") if entry.is_fallback else ("from", "to")
    return {
        "index": entry.number,
        ends[0]: list(entry.sources),
        ends[1]: list(entry.destinations),
        "where": entry.place,
        "condition": list(entry.condition),
        "reads": [_value(value) for value in entry.reads],
        "foreach": None if entry.foreach is None else _value(entry.foreach),
        "args": [_value(value) for value in entry.args],
        "given": [
            {"node": given.node, "type": given.type, "how": given.how, "takes": given.takes or None}
            for given in entry.given
        ],
    }


def _value(value: Value) -> dict[str, Any]:
    key = {"key": value.key} if value.key else {}
    return {**key, "expression": value.text, "type": value.type, "where": value.place}
