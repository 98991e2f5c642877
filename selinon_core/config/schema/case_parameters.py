"""Parameters of a test case: rows of values, and ``$name`` in the text of the case replaced by them.

It works on nodes, before anything is understood: every value keeps its place, and a parameter may stand for any
part.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from selinon_core.config.read_context import ReadContext, Via, resolve_alias
from selinon_core.config.schema.types import is_name, plain_data
from selinon_core.config.yaml.nodes import AliasNode, BrokenNode, MappingNode, Node, SequenceNode, TextScalar
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.wording import suggestion

#: The cases one file may have once parameters are filled in.
MOST_CASES = 10_000
_PARAMETER = re.compile(r"\$([A-Za-z_]\w*)\Z", re.ASCII)
_IN_TEXT = re.compile(r"\$(\$|[A-Za-z_]\w*)", re.ASCII)


class Row:
    """One set of values: parameter name -> node. ``used`` has the names that the case's text asked for."""

    __slots__ = ("nodes", "used")

    def __init__(self, nodes: Mapping[str, tuple[Node, Via]], used: set[str]) -> None:
        self.nodes = nodes
        self.used = used

    def values(self, reading: ReadContext) -> dict[str, Any]:
        """The parameters as JSON data."""
        return {name: plain_data(reading, node) for name, (node, _) in self.nodes.items()}


def rows_of(reading: ReadContext, case: MappingNode, via: Via) -> tuple[list[Row], bool]:
    """The rows of a case from ``parameters`` or ``matrix``; without either one empty row.

    The second value is whether they could be read; what is wrong is reported.
    """
    used: set[str] = set()
    given = [key for key in ("parameters", "matrix") if key in case.entries]
    if not given:
        return [Row({}, used)], True
    if len(given) == 2:
        key, _, inner = case.entries["matrix"]
        reading.report(
            kinds.CONFLICTING_KEYS,
            key,
            via + inner,
            '"parameters" and "matrix" in a test case mean the same',
            note="give one of them",
        )
        return [], False
    _, value, inner = case.entries[given[0]]
    node, at = resolve_alias(value, via + inner)
    read = _listed if given[0] == "parameters" else _matrix
    rows = read(reading, node, at, used)
    return (rows or [], rows is not None)


def report_unused(reading: ReadContext, rows: list[Row]) -> None:
    """Report the parameters that the case's text does not ask for."""
    reported = set()
    for row in rows:
        for name, (node, via) in row.nodes.items():
            if name not in row.used and name not in reported:
                reported.add(name)
                reading.report(
                    kinds.CASE_PARAMETER,
                    node,
                    via,
                    f'the parameter "{shorten(name)}" is not used',
                    note=f"nothing in the case is ${shorten(name)}",
                    help="use it, or remove it",
                )


def fill_in(reading: ReadContext, case: MappingNode, via: Via, row: Row) -> MappingNode:
    """The case with every scalar that is exactly ``$name`` replaced by the parameter's node."""
    filled = MappingNode(case.start_mark, {})
    filled.end_mark = case.end_mark
    filled.merges = case.merges
    if not row.nodes and _is_plain(reading.document.text, case, via):
        filled.entries = case.entries  # nothing to replace anywhere
        return filled
    filler = Filler(reading, row)
    for key, (written, value, inner) in case.entries.items():
        if key not in ("parameters", "matrix", "name"):
            value = filler.fill(value)
        filled.entries[key] = (written, value, inner)
    return filled


def _is_plain(text: str, case: MappingNode, via: Via) -> bool:
    """Whether a case that stands in a text by itself has no dollar: no look at its nodes is needed."""
    if "$" not in text:
        return True
    if via or case.merges:
        return False
    start, end = case.start_mark.index, case.end_mark.index
    # What an alias stands for is written elsewhere.
    return text.find("$", start, end) < 0 and text.find("*", start, end) < 0


def filled_text(reading: ReadContext, row: Row, text: str, node: Node, via: Via) -> str:
    """A text with ``$name`` in it replaced by the values as text, and ``$$`` by a dollar."""
    values = row.values(reading)

    def replaced(found: re.Match[str]) -> str:
        name = found.group(1)
        if name == "$":
            return "$"
        if name not in values:
            unknown(reading, row, name, node, via)
            return found.group()
        row.used.add(name)
        value = values[name]
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

    return _IN_TEXT.sub(replaced, text)


def unknown(reading: ReadContext, row: Row, name: str, node: Node, via: Via) -> None:
    """Report a parameter that the case does not have."""
    known = list(row.nodes)
    meant = suggestion(name, known)
    reading.report(
        kinds.CASE_PARAMETER,
        node,
        via,
        f'there is no parameter "{shorten(name)}"',
        note=("parameters: " + ", ".join(known)) if known else "the case has no parameters",
        help=meant or f'write "$${shorten(name)}" if the text "${shorten(name)}" is meant',
    )


class Filler:
    """Replaces parameters below nodes; a node without any is left as it is."""

    def __init__(self, reading: ReadContext, row: Row) -> None:
        self._reading = reading
        self._row = row
        self._done: dict[int, Node] = {}

    def fill(self, node: Node) -> Node:
        """The node with parameters replaced."""
        done = self._done.get(id(node))
        if done is None:
            done = self._done[id(node)] = self._filled(node)
        return done

    def _filled(self, node: Node) -> Node:
        kind = type(node)
        if kind is AliasNode:
            target = self.fill(node.target)
            if type(target) is AliasNode:
                target = target.target
            return node if target is node.target else AliasNode(node, target)
        if kind is MappingNode:
            return self._mapping(node)
        if kind is SequenceNode:
            items = [self.fill(item) for item in node.items]
            if all(new is old for new, old in zip(items, node.items, strict=True)):
                return node
            sequence = SequenceNode(node.start_mark, items)
            sequence.end_mark = node.end_mark
            return sequence
        return node if kind is BrokenNode else self._scalar(node)

    def _mapping(self, node: MappingNode) -> Node:
        entries = {key: (at, self.fill(value), inner) for key, (at, value, inner) in node.entries.items()}
        if all(entries[key][1] is value for key, (_, value, _) in node.entries.items()):
            return node
        mapping = MappingNode(node.start_mark, entries)
        mapping.end_mark, mapping.merges = node.end_mark, node.merges
        return mapping

    def _scalar(self, node: Node) -> Node:
        text = node.value
        if "$" not in text:
            return node
        if text.startswith("$$"):
            return TextScalar(text[1:], node)
        found = _PARAMETER.match(text)
        if found is None:
            self._look_inside(node)
            return node
        name = found.group(1)
        value = self._row.nodes.get(name)
        if value is None:
            unknown(self._reading, self._row, name, node, ())
            return BrokenNode(node.start_mark, node.end_mark)
        self._row.used.add(name)
        return AliasNode(node, value[0])

    def _look_inside(self, node: Node) -> None:
        """Report a parameter that stands in a longer text, where it is not replaced."""
        for found in _IN_TEXT.finditer(node.value):
            name = found.group(1)
            if name in self._row.nodes:
                self._row.used.add(name)  # one finding is enough
                self._reading.report(
                    kinds.CASE_PARAMETER,
                    node,
                    (),
                    f'the parameter "{shorten(name)}" is not replaced inside a longer text',
                    note=f"a text that is exactly ${shorten(name)} becomes the value; names of cases have parts",
                    help="make the whole text a parameter",
                )
                return


def _listed(reading: ReadContext, node: Node, via: Via, used: set[str]) -> list[Row] | None:
    if type(node) is not SequenceNode:
        reading.wrong_type(node, via, '"parameters"', "a list of mappings", help="or matrix: {name: [value, ...]}")
        return None
    if not node.items:
        reading.report(kinds.EMPTY_LIST, node, via, '"parameters" is empty', note="at least one row is needed")
        return None
    rows = []
    whole = True
    names: tuple[str, ...] | None = None
    for item in node.items:
        row_node, at = resolve_alias(item, via)
        nodes = _named(reading, row_node, at, "a row of parameters")
        if nodes is None:
            whole = False
            continue
        if names is None:
            names = tuple(nodes)
        elif set(nodes) != set(names):
            whole = False
            _differs(reading, row_node, at, nodes, names)
        rows.append(Row(nodes, used))
    return rows if whole else None


def _differs(reading: ReadContext, node: Node, via: Via, nodes: Mapping[str, Any], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in nodes]
    added = [name for name in nodes if name not in names]
    says = [f'"{shorten(missing[0])}" is missing'] if missing else []
    says += [f'"{shorten(added[0])}" is not in the first row'] if added else []
    reading.report(
        kinds.CASE_PARAMETER,
        node,
        via,
        "the rows of parameters differ: " + ", ".join(says),
        note="every row has the same names",
        help=suggestion(added[0], missing) if added else "",
    )


def _matrix(reading: ReadContext, node: Node, via: Via, used: set[str]) -> list[Row] | None:
    named = _named(reading, node, via, '"matrix"')
    if named is None:
        return None
    lists: list[list[tuple[Node, Via]]] = []
    count = 1
    whole = bool(named)
    for name, (value, at) in named.items():
        value, at = resolve_alias(value, at)
        if type(value) is not SequenceNode or not value.items:
            reading.wrong_type(value, at, f'"{shorten(name)}" of the matrix', "a list of at least one value")
            whole = False
            continue
        lists.append([(item, at) for item in value.items])
        count *= len(value.items)
    if not whole:
        return None
    if count > MOST_CASES:
        reading.report(
            kinds.WRONG_VALUE,
            node,
            via,
            f"the matrix makes {count} cases",
            note=f"a file may have {MOST_CASES}",
            help="list the rows of interest under parameters:",
        )
        return None
    return [Row(dict(zip(named, row, strict=True)), used) for row in _product(lists)]


def _product(lists: list[list[tuple[Node, Via]]]) -> Iterator[tuple[tuple[Node, Via], ...]]:
    return itertools.product(*lists)


def _named(reading: ReadContext, node: Node, via: Via, label: str) -> dict[str, tuple[Node, Via]] | None:
    """The entries of a mapping whose keys can be parameters; None after a report."""
    if type(node) is not MappingNode:
        reading.wrong_type(node, via, label, "a mapping of names to values")
        return None
    if not node.entries:
        reading.report(kinds.WRONG_VALUE, node, via, f"{label} is empty", note="expected names and values")
        return None
    nodes = {}
    whole = True
    for name, (key, value, inner) in node.entries.items():
        if not isinstance(name, str) or not is_name(name):
            whole = False
            reading.report(
                kinds.BAD_NAME,
                key,
                via + inner,
                f'"{shorten(str(name))}" is not the name of a parameter',
                note="allowed are letters, digits and underscores, not beginning with a digit",
            )
        else:
            target, at = resolve_alias(value, via + inner)
            nodes[name] = (target, at)
    return nodes if whole else None
