"""Case files (``*.flowtest.yaml``) to test cases, as far as that goes without the plan.

Every mistake of shape is collected and has the code SEL800, whatever part of the language found it. What YAML
itself warns about keeps its code, but for a key that is given twice: that is a mistake here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from selinon_core.cases.model import Case, Expect, Invariant
from selinon_core.config.model import NameRef
from selinon_core.config.read_context import BROKEN, Via, resolve_alias
from selinon_core.config.schema.case_context import CaseContext, NameUse
from selinon_core.config.schema.case_expect import ExpectDef
from selinon_core.config.schema.case_file import CASE, CASE_FILE, INVARIANT_FILE, CaseDef, CaseFileDef
from selinon_core.config.schema.case_mocks_section import MOCKS, MocksRead
from selinon_core.config.schema.case_parameters import (
    MOST_CASES,
    Filler,
    Row,
    fill_in,
    filled_text,
    report_unused,
    rows_of,
)
from selinon_core.config.yaml.nodes import MappingNode, Node, SequenceNode
from selinon_core.diagnostics import Diagnostic, Related, Severity, kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.location import FixedLocation, Place, Span


class CaseRead(NamedTuple):
    """A case whose mocks are not held against the plan yet, so that ``case.mocks`` is empty.

    ``own_mocks`` are those that the case itself gives. ``is_whole``: nothing of it was reported. ``name``: where
    its name stands. ``uses``: the names it gives to things of the plan.
    """

    case: Case
    mocks: MocksRead
    own_mocks: MocksRead
    is_whole: bool
    name: NameRef
    uses: tuple[NameUse, ...]


class CaseFileRead(NamedTuple):
    """What a case file says. ``uses``: the names outside of cases."""

    cases: tuple[CaseRead, ...] = ()
    flow: str | None = None
    mocks: MocksRead = MocksRead()
    invariants: tuple[Invariant, ...] = ()
    uses: tuple[NameUse, ...] = ()


def read_case_document(reading: CaseContext, *, needs_tests: bool = True) -> CaseFileRead:
    """The cases of a document; what is wrong goes to the context's collector, in which errors become SEL800.

    ``needs_tests``: a file without cases is a mistake.
    """
    try:
        return _CaseFileReader(reading, needs_tests).read()
    finally:
        found = reading.collector.found
        found[:] = [as_shape_error(one) for one in found]


def read_mocks_document(reading: CaseContext) -> MocksRead:
    """The mocks of a document that holds nothing else; dollars mean themselves there. Errors become SEL800."""
    document = reading.document
    if document.root is None:
        return MocksRead()
    node, via = resolve_alias(document.root, ())
    if type(node) not in (MappingNode, SequenceNode) and hasattr(node, "value") and reading.scalar(node) is None:
        return MocksRead()
    mocks = MOCKS.read(reading, node, via, "")
    reading.collector.found[:] = [as_shape_error(one) for one in reading.collector.found]
    return mocks if isinstance(mocks, MocksRead) else MocksRead()


def as_shape_error(found: Diagnostic) -> Diagnostic:
    """A mistake that a reader found, as that of a case file."""
    if found.code == kinds.DUPLICATE_KEY.code:
        # In a case file the first one would be an expectation that nothing looks at.
        note, help = "the first one would not be looked at", "remove one of them"
        return found._replace(code=kinds.CASE_SHAPE.code, severity=Severity.ERROR, note=note, help=help, fixes=())
    if found.severity is Severity.ERROR and found.code < "SEL200":
        return found._replace(code=kinds.CASE_SHAPE.code)
    return found


class _CaseFileReader:
    """Reads one file."""

    def __init__(self, reading: CaseContext, needs_tests: bool) -> None:
        self._reading = reading
        self._needs_tests = needs_tests
        self._what = "a case file" if needs_tests else "a file with invariants"
        self._wanted = "tests" if needs_tests else "invariants"
        self._titles: dict[str, NameRef] = {}
        self._cases: list[CaseRead] = []
        self._file = reading.file

    def read(self) -> CaseFileRead:
        """All of it."""
        reading = self._reading
        root, via = self._root()
        if root is None:
            return CaseFileRead()
        # of a text that breaks off it is not known what is missing
        table = CASE_FILE if self._needs_tests and reading.document.unread_from is None else INVARIANT_FILE
        found = table.read(reading, root, via, self._what)
        if not isinstance(found, CaseFileDef):
            return CaseFileRead()
        uses = tuple(reading.uses)
        flow = found.flow if isinstance(found.flow, str) else None
        mocks = found.mocks if isinstance(found.mocks, MocksRead) else MocksRead()
        invariants = found.invariants if isinstance(found.invariants, tuple) else ()
        tags = found.tags if isinstance(found.tags, tuple) else ()
        env = found.env if isinstance(found.env, dict) else {}
        for node, at in found.tests or () if found.tests is not BROKEN else ():
            self._case(node, at, flow, tags, mocks, invariants, env)
        return CaseFileRead(tuple(self._cases), flow, mocks, invariants, uses)

    def _root(self) -> tuple[MappingNode | None, Via]:
        """The mapping on top, without keys that begin with ``x-``; the parameters of no case are filled in."""
        reading = self._reading
        document = reading.document
        if document.root is None:
            if document.unread_from is None:
                self._empty(FixedLocation(Span(self._file, 1, 1, 1, 1)))
            return None, ()
        node, via = resolve_alias(document.root, ())
        if type(node) is not MappingNode:
            if hasattr(node, "value") and reading.scalar(node) is None:
                self._empty(reading.location(node, via))
            else:
                reading.wrong_type(node, via, self._what, f"a mapping with {self._wanted}")
            return None, ()
        root = MappingNode(node.start_mark, {})
        root.end_mark, root.merges = node.end_mark, node.merges
        filler = Filler(reading, Row({}, set()))
        for key, (written, value, inner) in node.entries.items():
            if isinstance(key, str) and key.startswith("x-"):
                continue
            root.entries[key] = (written, value if key == "tests" else filler.fill(value), inner)
        return root, via

    def _empty(self, location: Any) -> None:
        what = self._what.removeprefix("a ")
        self._reading.collector.add(
            kinds.MISSING_KEY, location, f"the {what} is empty", note=f'expected a mapping with "{self._wanted}"'
        )

    def _case(
        self,
        node: Node,
        via: Via,
        flow: str | None,
        tags: tuple[str, ...],
        mocks: MocksRead,
        invariants: tuple[Invariant, ...],
        env: Mapping[str, str | None],
    ) -> None:
        reading = self._reading
        if type(node) is not MappingNode:
            reading.wrong_type(node, via, "a test case", "a mapping with a name")
            return
        rows, whole = rows_of(reading, node, via)
        reads: list[CaseRead] = []
        for row in rows:
            if len(self._cases) + len(reads) >= MOST_CASES:
                reading.report(
                    kinds.WRONG_VALUE,
                    node,
                    via,
                    f"the file has more than {MOST_CASES} cases",
                    note="with parameters",
                )
                break
            read = self._row(node, via, row, flow, mocks)
            if read is not None:
                case = read.case
                read = read._replace(
                    case=case._replace(
                        tags=tuple(dict.fromkeys((*tags, *case.tags))),
                        invariants=(*invariants, *case.invariants),
                        env={**env, **case.env} if env else case.env,
                    )
                )
                reads.append(read)
        if whole:
            report_unused(reading, rows)
        self._add(reads)

    def _row(self, node: MappingNode, via: Via, row: Row, flow: str | None, mocks: MocksRead) -> CaseRead | None:
        """One case of a row of parameters; None when not even its name can be read."""
        reading = self._reading
        before = len(reading.collector.found)
        reading.uses.clear()
        found = CASE.read(reading, fill_in(reading, node, via, row), via, "a test case")
        if not isinstance(found, CaseDef) or not isinstance(found.name, NameRef):
            return None
        # a misspelt key was read as what it was meant to be
        written, value, inner = node.entries.get("name", (node, node, ()))
        text = filled_text(reading, row, found.name.name, *resolve_alias(value, via + inner))
        name = NameRef(text, found.name.location)
        if found.flow is None and flow is None:
            reading.report(
                kinds.MISSING_KEY,
                written,
                via + inner,
                f'the case "{shorten(text)}" has no flow',
                note="which flow is run?",
                help='give "flow" in the case, or at the top of the file',
            )
        case = _case_of(reading, found, text, flow, self._file)
        if row.nodes:
            case = case._replace(parameters=row.values(reading))
        own = found.mocks if isinstance(found.mocks, MocksRead) else MocksRead()
        errors = [one for one in reading.collector.found[before:] if one.severity is Severity.ERROR]
        return CaseRead(case, own.over(mocks), own, not errors, name, tuple(reading.uses))

    def _add(self, reads: list[CaseRead]) -> None:
        """Note the cases of one entry; where their names are equal, their parameters tell them apart."""
        names = [read.case.name for read in reads]
        labels = [""] * len(reads) if len(set(names)) == len(names) else _labels(reads)
        for read, label in zip(reads, labels, strict=True):
            case = read.case._replace(row=label) if label else read.case
            earlier = self._titles.setdefault(case.title, read.name)
            if earlier is not read.name:
                self._reading.collector.add(
                    kinds.CASE_NAME,
                    read.name.location,
                    f'there is another case "{shorten(case.title)}"',
                    note="reports could not tell them apart",
                    related=(Related(earlier.span, "the other one"),),
                    help="give it another name, or show parameters in it: $name",
                )
            self._cases.append(read if case is read.case else read._replace(case=case))


def _labels(reads: list[CaseRead]) -> list[str]:
    """What tells rows of parameters apart: their simple values, and numbers for what is longer."""
    labels = []
    for index, read in enumerate(reads):
        parts = []
        for name, value in read.case.parameters.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            is_short = not isinstance(value, dict | list) and len(text) <= 30 and text.isprintable()
            parts.append(f"{name}={text}" if is_short else f"{name}{index}")
        labels.append(", ".join(parts))
    seen: set[str] = set()
    for index, label in enumerate(labels):
        if label in seen:
            labels[index] = f"{label}#{index + 1}"
        seen.add(labels[index])
    return labels


def _case_of(reading: CaseContext, found: CaseDef, name: str, flow: str | None, file: str) -> Case:
    expect = found.expect.value() if isinstance(found.expect, ExpectDef) else Expect()
    durations = found.value("durations", {})
    args = found.value("args", None)
    own_flow = found.flow if isinstance(found.flow, str) else None
    return Case(
        name,
        own_flow or flow or "",
        file,
        _place(reading, found),
        args=args,
        env=found.value("env", {}),
        tags=found.value("tags", ()),
        skip=found.value("skip", None),
        xfail=found.value("xfail", None),
        tasks=found.value("tasks", "mocked"),
        fail=found.value("fail", {}),
        select=found.value("select", None),
        at=found.value("at", ()),
        durations={task: seconds.value for task, seconds in durations.items()},
        timeout=found.value("timeout", None),
        max_steps=found.value("max_steps", None),
        stand_ins=found.value("stand_ins", "fail"),
        seeds=found.value("seeds", (0,)),
        driver=found.value("driver", "local"),
        schedule=found.value("schedule", ()),
        expect=expect,
        invariants=found.value("invariants", ()),
    )


def _place(reading: CaseContext, found: CaseDef) -> Place:
    return found.location.place
