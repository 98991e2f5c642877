"""From the path of a case file to test cases that are held against the plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from selinon_core.cases.functions import call_by_call
from selinon_core.cases.model import Case, ConditionMock, FunctionMock, Invariant, Mocks, NodeMock
from selinon_core.cases.references import edges_called, fallbacks_called
from selinon_core.config.case_reader import (
    CaseFileRead,
    as_shape_error,
    read_case_document,
    read_mocks_document,
)
from selinon_core.config.read_context import Broken, resolve_alias
from selinon_core.config.schema.case_context import CaseContext
from selinon_core.config.schema.case_mocks_section import MocksRead
from selinon_core.config.yaml.document import Document, decode, document_from_data, read_document
from selinon_core.config.yaml.files import display_name, read_bytes
from selinon_core.diagnostics import Diagnostic, kinds, sort_diagnostics
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.location import FixedLocation, Span
from selinon_core.errors import ConfigurationError
from selinon_core.plan import Plan
from selinon_core.plan.functions import foreach_functions
from selinon_core.project.reading import without_gc
from selinon_core.project.result_schemas import ResultSchemas

if TYPE_CHECKING:
    from selinon_core.config.schema.case_durations import DurationRead


def read_case_file(
    path: str, plan: Plan | None = None, results: ResultSchemas | None = None
) -> tuple[tuple[Case, ...], list[Diagnostic]]:
    """The cases of a file, and every mistake in it, sorted by place.

    ``results`` has what mocked results have to fit, by default what the ``output_schema`` of the tasks says.
    Without a plan the names in the file are not looked up, and mocks of conditions are left out. Never raises: a
    file that cannot be read is a diagnostic.
    """
    with without_gc():
        found, collector = _read(path)
        cases = _held_against(found, plan, collector, results)
    return cases, list(sort_diagnostics(collector.found))


def read_case_text(text: str, file: str, plan: Plan | None = None) -> tuple[tuple[Case, ...], list[Diagnostic]]:
    """As ``read_case_file``, of a text; ``file`` is how messages call it, and where relative paths lead from."""
    collector = Collector()
    document = read_document(text, file, collector)
    found = read_case_document(_context(document, collector, os.path.dirname(file)))
    return _held_against(found, plan, collector), list(sort_diagnostics(collector.found))


def lint_case_document(
    document: Document,
    collector: Collector,
    directory: str,
    plan: Plan | None,
    results: ResultSchemas | None = None,
) -> None:
    """Report everything that is wrong with a case file that was read; nothing is run. ``results`` as above."""
    found = read_case_document(_context(document, collector, directory))
    _held_against(found, plan, collector, results)


def read_invariants(path: str) -> tuple[tuple[Invariant, ...], list[Diagnostic]]:
    """The invariants of a file that may hold nothing else, and every mistake in it."""
    found, collector = _read(path, needs_tests=False)
    return found.invariants, list(sort_diagnostics(collector.found))


def read_mocks(
    text: str, file: str, plan: Plan | None = None, results: ResultSchemas | None = None
) -> tuple[Mocks, list[Diagnostic]]:
    """The mocks of a text that holds nothing else (``run --mocks``), and every mistake in it.

    With ``results``, those of tasks without ``output_schema`` have to fit the annotation of ``run``. Whether the
    others fit, and all names, are looked at when the mocks are played.
    """
    collector = Collector()
    document = read_document(text, file, collector)
    mocks, found = _mocks(_context(document, collector, os.path.dirname(file)), plan)
    if plan is None or results is None:
        return mocks, found
    from selinon_core.project.case_checks.mocks import check_annotated

    check_annotated(mocks, plan, collector, results)
    return mocks, list(sort_diagnostics(collector.found))


def mocks_from_data(data: Any, source: str, plan: Plan | None = None) -> tuple[Mocks, list[Diagnostic]]:
    """As ``read_mocks``, of Python data; every place is the first character of ``source``."""
    collector = Collector()
    document = document_from_data(data, source, collector)
    return _mocks(_context(document, collector, os.curdir), plan)


def _mocks(context: CaseContext, plan: Plan | None) -> tuple[Mocks, list[Diagnostic]]:
    read = read_mocks_document(context)
    return mocks_of(read, plan, None), list(sort_diagnostics(context.collector.found))


def _read(path: str, *, needs_tests: bool = True) -> tuple[CaseFileRead, Collector]:
    collector = Collector()
    name = display_name(path)
    try:
        text = decode(read_bytes(path), name, collector)
    except OSError as error:
        what = "case file" if needs_tests else "file with invariants"
        collector.add(
            kinds.CASE_SHAPE,
            FixedLocation(Span(name, 1, 1, 1, 1)),
            f"the {what} cannot be read: {error.strerror or error}",
            help="" if needs_tests else "name a YAML file with invariants",
        )
        return CaseFileRead(), collector
    document = read_document(text, name, collector)
    context = _context(document, collector, os.path.dirname(path))
    return read_case_document(context, needs_tests=needs_tests), collector


def _context(document: Document, collector: Collector, directory: str) -> CaseContext:
    def load(path: str) -> Callable[[Any], bool]:
        from selinon_core.schemas.check import ResultSchema, find_schema

        beside = directory or os.curdir
        if ":" not in path and find_schema(path, (beside,), beside) is None:
            raise ConfigurationError(f"{path} was not found")
        return ResultSchema.load(path, (beside,)).fits

    return CaseContext(document, collector, load, directory)


def _held_against(
    found: CaseFileRead, plan: Plan | None, collector: Collector, results: ResultSchemas | None = None
) -> tuple[Case, ...]:
    if plan is not None:
        from selinon_core.project.case_checks import check_cases

        check_cases(found, plan, collector, results or ResultSchemas(os.getcwd()))
    many = None if plan is None else foreach_functions(plan)
    return tuple(
        read.case._replace(mocks=mocks_of(read.mocks, plan, read.case.flow, many)) for read in found.cases
    )


def mocks_of(read: MocksRead, plan: Plan | None, flow: str | None, many: Collection[str] | None = None) -> Mocks:
    """The mocks as they are played. Conditions are those of edges of ``flow`` and the flows below it.

    What is broken or unknown is left out. ``many`` is as in ``call_by_call``.
    """
    nodes = {entry.name: entry.value for entry in read.nodes if isinstance(entry.value, NodeMock)}
    functions = {entry.name: entry.value for entry in read.functions if isinstance(entry.value, FunctionMock)}
    if plan is None:
        return Mocks(nodes, functions)
    return Mocks(
        nodes,
        call_by_call(functions, plan, many),
        tuple(
            mock
            for entry in read.conditions
            if isinstance(entry.value, tuple)
            for mock in _conditions(plan, flow, entry.name, entry.value, entry.location.place)
        ),
    )


def _conditions(
    plan: Plan, flow: str | None, text: str, values: tuple[bool, ...], place: Any
) -> list[ConditionMock]:
    found = []
    for start in plan.flows if flow is None else (flow,):
        edges = [
            (name, edge.index) for name, edge in edges_called(plan, start, text) if edge.condition is not None
        ]
        found += [ConditionMock(name, index, values, False, place) for name, index in edges]
        if not edges:
            entries = fallbacks_called(plan, start, text)
            found += [
                ConditionMock(name, entry.index, values, True, place)
                for name, entry in entries
                if entry.condition is not None
            ]
    return list(dict.fromkeys(found))


def read_durations(text: str, file: str, plan: Plan) -> tuple[dict[str, DurationRead], list[Diagnostic]]:
    """Task -> how long its attempts take, of a text that holds nothing else, and every mistake in it."""
    from selinon_core.config.schema.case_durations import DURATIONS
    from selinon_core.project.case_checks.names import unknown_name

    collector = Collector()
    document = read_document(text, file, collector)
    context = _context(document, collector, os.path.dirname(file))
    found: Any = {}
    if document.root is not None:
        found = DURATIONS.read(context, *resolve_alias(document.root, ()), "durations")
    for use in context.uses:
        if use.text not in plan.tasks:
            unknown_name(collector, use.location, "task", use.text, plan.tasks)
    collector.found[:] = [as_shape_error(one) for one in collector.found]
    values = {} if isinstance(found, Broken) else {task: one.value for task, one in found.items()}
    return values, list(sort_diagnostics(collector.found))
