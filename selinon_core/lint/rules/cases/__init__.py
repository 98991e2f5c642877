"""SEL8xx: flow test cases. The checks are made in ``config`` and ``project``, where cases are read."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.cases.ambiguous_outcomes import AmbiguousOutcomes
from selinon_core.lint.rules.cases.case_cannot_hold import CaseCannotHold
from selinon_core.lint.rules.cases.case_mock import CaseMock
from selinon_core.lint.rules.cases.case_parameter import CaseParameter
from selinon_core.lint.rules.cases.case_shape import CaseShape
from selinon_core.lint.rules.cases.invariant_of_nothing import InvariantOfNothing
from selinon_core.lint.rules.cases.repeated_case_name import RepeatedCaseName
from selinon_core.lint.rules.cases.schedule_of_nothing import ScheduleOfNothing
from selinon_core.lint.rules.cases.unknown_in_case import UnknownInCase
from selinon_core.lint.rules.cases.unused_mock import UnusedMock

RULES: tuple[type[Rule], ...] = (
    CaseShape,  # SEL800
    UnknownInCase,  # SEL801
    CaseCannotHold,  # SEL802
    CaseMock,  # SEL803
    UnusedMock,  # SEL804
    AmbiguousOutcomes,  # SEL805
    RepeatedCaseName,  # SEL806
    CaseParameter,  # SEL807
    ScheduleOfNothing,  # SEL808
    InvariantOfNothing,  # SEL809
)
