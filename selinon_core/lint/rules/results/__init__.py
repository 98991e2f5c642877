"""SEL40x: conditions on results of tasks, and schemas of results."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.results.ambiguous_result import AmbiguousResult
from selinon_core.lint.rules.results.condition_node import ConditionNode
from selinon_core.lint.rules.results.never_fulfilled import NeverFulfilled
from selinon_core.lint.rules.results.output_schema import OutputSchema
from selinon_core.lint.rules.results.result_at_start import ResultAtStart
from selinon_core.lint.rules.results.result_not_stored import ResultNotStored
from selinon_core.lint.rules.results.result_without_storage import ResultWithoutStorage

RULES: tuple[type[Rule], ...] = (
    ResultWithoutStorage,  # SEL401
    ResultNotStored,  # SEL402
    ResultAtStart,  # SEL403
    AmbiguousResult,  # SEL404
    ConditionNode,  # SEL405
    OutputSchema,  # SEL406
    NeverFulfilled,  # SEL407
)
