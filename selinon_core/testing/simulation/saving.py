"""Violations as test cases: each is played again before it is written, behind the cases of a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from selinon_core.cases.model import Case, Expect, Expected, Invariant
from selinon_core.cases.writing import case_file_text, entries_text
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.project.case_files import read_case_text
from selinon_core.simulating.campaign import SimulationOptions, Violation
from selinon_core.testing.simulation.campaign import Campaign, Summary
from selinon_core.testing.simulation.replaying import replayed

#: The longest name that a saved case gets.
_LONGEST = 100


class Saved(NamedTuple):
    """A violation in the form of a case."""

    violation: Violation
    case: Case


def saved_cases(campaign: Campaign, summary: Summary, options: SimulationOptions) -> list[Saved]:
    """A case for each violation that playing its deviations would show again, of any invariant."""
    invariants = {one.name: one for one in campaign.invariants}
    return [
        Saved(violation, _case(campaign.case, violation, options, invariants.get(violation.invariant)))
        for violation in summary.violations
        if violation.nondeterminism is None
    ]


def _case(case: Case, violation: Violation, options: SimulationOptions, own: Invariant | None) -> Case:
    left = len(violation.deviations)
    what = violation.text if len(violation.text) <= _LONGEST else violation.text[: _LONGEST - 3] + "..."
    seed = "undisturbed" if violation.seed < 0 else f"seed {violation.seed}"
    name = f"{what} ({seed}, {violation.decisions} decisions, {left} left)"
    here = case.place
    return case._replace(
        name=name,
        row="",
        parameters={},
        skip=None,
        xfail=None,
        driver="production",
        durations={**case.durations, **{task: value.median for task, value in options.durations.items()}},
        schedule=tuple(one._replace(place=None) for one in violation.deviations),
        expect=Expect(ends=Expected("once", here), same_as=Expected("undisturbed", here)),
        invariants=() if own is None else (own,),
    )


def shows_again(campaign: Campaign, saved: Saved) -> bool:
    """Whether playing the case, as ``selinon test`` would, breaks the same invariant."""
    result = replayed(saved.case, campaign.subject, campaign.load)
    signature = (saved.violation.invariant, saved.violation.subject)
    return any((found.invariant, found.subject) == signature for found in result.violations)


class CaseFileToExtend:
    """A case file to which cases are added; it need not exist. Raises ``RequestError`` for one that is broken."""

    def __init__(self, path: str, plan: Plan) -> None:
        self._path = path
        self._plan = plan
        self._text = ""
        self._cases: Sequence[Case] = ()
        if os.path.exists(path):
            try:
                with open(path, encoding="utf-8") as file:
                    self._text = file.read()
            except (OSError, UnicodeDecodeError) as error:
                raise RequestError(f"{path} cannot be read: {error}") from None
            self._cases = self._read(self._text)

    def _read(self, text: str) -> Sequence[Case]:
        cases, found = read_case_text(text, self._path, self._plan)
        errors = [one for one in found if one.severity.value == "error"]
        if errors:
            raise RequestError(f"{self._path} has mistakes, and is left as it is: {errors[0].message}")
        return cases

    @property
    def invariants(self) -> set[str]:
        """The names of the invariants that every case of the file has."""
        each = [{one.name for one in case.invariants} for case in self._cases]
        return set.intersection(*each) if each else set()

    def distinct(self, cases: Iterable[Case]) -> list[Case]:
        """The cases with names that the file does not have, those that it has already (whatever their name) left
        out.
        """
        known = {(case.flow, _plain(case)) for case in self._cases}
        names = {case.name for case in self._cases}
        found = []
        for case in cases:
            if (case.flow, _plain(case)) in known:
                continue
            name, number = case.name, 2
            while name in names:
                name, number = f"{case.name} #{number}", number + 1
            names.add(name)
            known.add((case.flow, _plain(case)))
            invariants = tuple(one for one in case.invariants if one.name not in self.invariants)
            found.append(case._replace(name=name, invariants=invariants))
        return found

    def extended(self, cases: Sequence[Case]) -> str:
        """The text of the file with these cases behind its own.

        Raises ``RequestError`` where they find no place.
        """
        if not self._text.strip():
            return case_file_text(cases, self._plan)
        text = self._text if self._text.endswith("\n") else self._text + "\n"
        text += entries_text(cases, self._plan)
        try:
            again = self._read(text)
        except RequestError:
            again = ()
        if [case.name for case in again] != [case.name for case in (*self._cases, *cases)]:
            raise RequestError(
                f"cases cannot be put behind those of {self._path}: its last part is not a list of tests that is"
                " indented by two spaces"
            )
        return text


def _plain(case: Case) -> tuple[object, ...]:
    """What makes two saved cases the same."""
    return tuple(one._replace(place=None) for one in case.schedule)
