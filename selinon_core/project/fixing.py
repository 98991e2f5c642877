"""Fixes that diagnostics offer, made in the texts of a project; nothing is written here.

Fixes are made in passes, because one may be possible only after another. In a pass all fixes are made whose edits
do not touch. The texts are read again after each pass: a fix that would bring a new error is not made, so the
result has no error that the files did not have. Warnings are fixed once the files can be read without errors,
because until then it is not known what they mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from selinon_core.config.yaml.document import line_starts
from selinon_core.diagnostics import Diagnostic, Fix, Severity
from selinon_core.diagnostics.location import Edit
from selinon_core.project.loader import Project

MOST_PASSES = 100
#: Fixes of one pass that are tried one after the other, when all of them together bring new errors.
MOST_TRIED_ALONE = 50
#: How codes of faults begin that are found while files are read.
_READING = ("SEL0", "SEL1")

#: From texts, by the names of files, to the project that is read with them in the place of the files.
Lint = Callable[[Mapping[str, str]], Project]


class Offer(NamedTuple):
    """A fix and the diagnostic that offers it."""

    diagnostic: Diagnostic
    fix: Fix


class Refusal(NamedTuple):
    """A fix that was not made, because of the errors that it would bring."""

    offer: Offer
    errors: tuple[str, ...]


class FixedTexts(NamedTuple):
    """Texts before and after the fixes, by the names of the files that changed, and what was made and what not."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    made: tuple[Offer, ...]
    refused: tuple[Refusal, ...]


def fix_texts(
    lint: Lint,
    *,
    unsafe: bool = False,
    wants: Callable[[Diagnostic], bool] = lambda diagnostic: True,
    may_change: Callable[[str], bool] = lambda file: True,
) -> FixedTexts:
    """Make the safe fixes of a project, with ``unsafe`` the others too, until there are none left.

    ``wants`` chooses diagnostics, ``may_change`` files.
    """
    work = _Work(lint)
    for _ in range(MOST_PASSES):
        offers = [
            offer
            for offer in _offers(work.project.diagnostics, unsafe)
            if wants(offer.diagnostic) and all(may_change(edit.span.file) for edit in offer.fix.edits)
        ]
        if not offers or not work.make(apart(offers)):
            break
    changed = {file: text for file, text in work.texts.items() if text != work.first[file]}
    before = {file: work.first[file] for file in changed}
    return FixedTexts(before, changed, tuple(work.made), tuple(work.refused))


class _Work:
    """The texts so far, the project that they are, and what became of fixes."""

    def __init__(self, lint: Lint) -> None:
        self._lint = lint
        self.texts: dict[str, str] = {}
        self.project = lint(self.texts)
        self.first: dict[str, str] = {}
        self.made: list[Offer] = []
        #: of the last pass: what was refused before may have become possible
        self.refused: list[Refusal] = []

    def make(self, offers: Sequence[Offer]) -> bool:
        """Make these fixes, those left out that would bring errors; returns whether any was made."""
        self.refused = []
        if self._try(offers):
            return True
        alone: list[Offer] = []
        for offer in offers[:MOST_TRIED_ALONE]:
            _, project = self._with([*alone, offer])
            errors = _new_errors(self.project, project)
            if errors:
                self.refused.append(Refusal(offer, errors))
            else:
                alone.append(offer)
        return bool(alone) and self._try(alone)

    def _try(self, offers: Sequence[Offer]) -> bool:
        texts, project = self._with(offers)
        if _new_errors(self.project, project):
            return False
        for file in texts.keys() - self.first.keys():
            self.first[file] = self.project.sources[file]
        self.texts, self.project = texts, project
        self.made += offers
        return True

    def _with(self, offers: Sequence[Offer]) -> tuple[dict[str, str], Project]:
        edits: dict[str, list[Edit]] = {}
        for offer in offers:
            for edit in offer.fix.edits:
                edits.setdefault(edit.span.file, []).append(edit)
        changed = {file: edited(self.project.sources[file], those) for file, those in edits.items()}
        texts = {**self.texts, **changed}
        return texts, self._lint(texts)


def _offers(found: Sequence[Diagnostic], unsafe: bool) -> Iterable[Offer]:
    """The first fix of each diagnostic that may be made."""
    is_read = not any(one.severity is Severity.ERROR and one.code.startswith(_READING) for one in found)
    for diagnostic in found:
        if diagnostic.severity is not Severity.ERROR and not is_read:
            continue
        fix = next((fix for fix in diagnostic.fixes if fix.safe or unsafe), None)
        if fix is not None:
            yield Offer(diagnostic, fix)


def apart(offers: Sequence[Offer]) -> list[Offer]:
    """Fixes whose edits do not touch; of those that do, the first."""
    taken: list[Edit] = []
    chosen: list[Offer] = []
    for offer in offers:
        if not any(_touch(edit, other) for edit in offer.fix.edits for other in taken):
            taken += offer.fix.edits
            chosen.append(offer)
    return chosen


def _touch(one: Edit, other: Edit) -> bool:
    if one.span.file != other.span.file:
        return False
    (start, end), (begin, stop) = _bounds(one), _bounds(other)
    if start == end or begin == stop:  # an insertion
        return start <= stop and begin <= end
    return start < stop and begin < end


def _bounds(edit: Edit) -> tuple[tuple[int, int], tuple[int, int]]:
    span = edit.span
    return (span.line, span.column), (span.end_line, span.end_column)


def edited(text: str, edits: Iterable[Edit]) -> str:
    """A text with edits made that do not touch each other."""
    starts = line_starts(text)
    parts: list[str] = []
    behind = 0
    for edit in sorted(edits, key=_bounds):
        span = edit.span
        start = starts[span.line - 1] + span.column - 1
        parts += (text[behind:start], edit.text)
        behind = starts[span.end_line - 1] + span.end_column - 1
    return "".join((*parts, text[behind:]))


def _new_errors(before: Project, after: Project) -> tuple[str, ...]:
    """What is an error now and was none, as ``SELnnn message``."""
    return tuple((_errors(after) - _errors(before)).elements())


def _errors(project: Project) -> Counter[str]:
    found = (*project.diagnostics, *(silenced.diagnostic for silenced in project.suppressed))
    return Counter(f"{one.code} {one.message}" for one in found if one.severity is Severity.ERROR)
