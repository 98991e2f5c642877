"""Case files among the files of a project: what is wrong with them, without running anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from selinon_core.config.yaml.document import Document, decode, read_document
from selinon_core.config.yaml.files import read_bytes
from selinon_core.diagnostics import Diagnostic, kinds, sort_diagnostics
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.location import FixedLocation, Span
from selinon_core.lint.suppressions import Suppressed, suppress
from selinon_core.plan import Plan
from selinon_core.project.case_files import lint_case_document
from selinon_core.project.reading import CaseSource, ReadProject
from selinon_core.project.result_schemas import ResultSchemas

#: What is found only with a plan.
_NEEDS_PLAN = frozenset(
    kind.code
    for kind in (
        kinds.CASE_UNKNOWN_NAME,
        kinds.CASE_CONTRADICTION,
        kinds.CASE_MOCK,
        kinds.CASE_UNUSED,
        kinds.CASE_ORDER,
        kinds.CASE_INVARIANT,
    )
)


def lint_case_files(
    read: ReadProject,
    case_files: Sequence[CaseSource],
    plan: Plan | None,
    is_active: Callable[[str], bool],
    is_known: Callable[[str], bool],
) -> tuple[list[Diagnostic], list[Suppressed]]:
    """What is wrong with the case files of a project, and what comments in them silence.

    Their texts join the project's sources. Without a plan only their shape is checked, and comments about anything
    else get no warning.
    """
    collector = Collector()
    documents: list[Document] = []
    results = ResultSchemas(os.getcwd(), read.pythonpath)
    for case in case_files:
        file = case.file
        try:
            content = read_bytes(file.path) if case.content is None else case.content
        except OSError as error:
            location = FixedLocation(Span(file.name, 1, 1, 1, 1))
            message = f"the case file cannot be read: {error.strerror or error}"
            collector.add(kinds.CASE_SHAPE, location, message)
            continue
        own = Collector()
        text = decode(content, file.name, own) if case.text is None else case.text
        document = read_document(text, file.name, own)
        documents.append(document)
        read.sources[file.name] = document.text
        lint_case_document(document, own, os.path.dirname(file.path), plan, results)
        collector.found.extend(own.found)
    found = sort_diagnostics(collector.found)
    if plan is None:
        return suppress(found, documents, lambda code: code not in _NEEDS_PLAN and is_active(code), is_known)
    return suppress(found, documents, is_active, is_known)
