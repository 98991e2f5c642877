"""Which of the collected cases are run, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from selinon_core.cases.model import Case
from selinon_core.testing.collection import CaseFile
from selinon_core.testing.keywords import keyword_expression


class Selection(NamedTuple):
    """What a case has to be: all of it. ``flows`` and ``tags``: one of them. ``failed``: one of these ids."""

    keyword: str = ""
    flows: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    failed: Collection[str] | None = None


def select_cases(files: Iterable[CaseFile], selection: Selection) -> list[CaseFile]:
    """The files with the numbers of the cases that are wanted; files without any are left out.

    Broken files stay: what they hold is not known. Raises ``RequestError`` for a keyword that cannot be parsed.
    """
    wants = _filter(selection)
    found = []
    for file in files:
        numbers = tuple(number for number, case in file.selected if wants(case))
        if numbers or file.is_broken or file.project.plan is None:
            found.append(file._replace(numbers=numbers))
    return found


def failed_first(
    files: Sequence[CaseFile], failed: Collection[str], flows: Collection[str] = ()
) -> list[CaseFile]:
    """The same cases: those that failed, then those of some flows, then the others.

    A file comes as early as the first of its cases.
    """

    def rank(case: Case) -> int:
        return 0 if case.id in failed else 1 if case.flow in flows else 2

    def rank_of_file(file: CaseFile) -> int:
        return min((rank(case) for _, case in file.selected), default=2)

    return [
        file._replace(numbers=tuple(sorted(file.numbers, key=lambda number: rank(file.cases[number]))))
        for file in sorted(files, key=rank_of_file)
    ]


def words_of(case: Case) -> tuple[str, ...]:
    """What ``-k`` looks at."""
    return (case.file, case.title, case.flow, *case.tags)


def _filter(selection: Selection) -> Callable[[Case], bool]:
    holds = keyword_expression(selection.keyword) if selection.keyword else None

    def wants(case: Case) -> bool:
        return (
            (holds is None or holds(words_of(case)))
            and (not selection.flows or case.flow in selection.flows)
            and (not selection.tags or any(tag in selection.tags for tag in case.tags))
            and (selection.failed is None or case.id in selection.failed)
        )

    return wants
