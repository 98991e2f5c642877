"""Every rule, as a literal tuple in the order of the codes."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.cache_arguments import CacheArguments
from selinon_core.lint.rules.duplicate_flow import DuplicateFlow
from selinon_core.lint.rules.duplicate_storage import DuplicateStorage
from selinon_core.lint.rules.duplicate_task import DuplicateTask
from selinon_core.lint.rules.flow_listed_twice import FlowListedTwice
from selinon_core.lint.rules.flow_not_defined import FlowNotDefined
from selinon_core.lint.rules.flow_not_listed import FlowNotListed
from selinon_core.lint.rules.predicate_arguments import PredicateArguments
from selinon_core.lint.rules.repeated_source import RepeatedSource
from selinon_core.lint.rules.strategy_arguments import StrategyArguments
from selinon_core.lint.rules.task_and_flow import TaskAndFlow
from selinon_core.lint.rules.unknown_cache import UnknownCache
from selinon_core.lint.rules.unknown_flow import UnknownFlow
from selinon_core.lint.rules.unknown_node import UnknownNode
from selinon_core.lint.rules.unknown_predicate import UnknownPredicate
from selinon_core.lint.rules.unknown_storage import UnknownStorage
from selinon_core.lint.rules.unknown_strategy import UnknownStrategy

#: The rules that look at a project that has been read.
RULES: tuple[type[Rule], ...] = (
    UnknownNode,
    UnknownFlow,
    UnknownStorage,
    UnknownPredicate,
    UnknownStrategy,
    UnknownCache,
    DuplicateTask,
    DuplicateFlow,
    DuplicateStorage,
    TaskAndFlow,
    FlowNotDefined,
    FlowNotListed,
    PredicateArguments,
    StrategyArguments,
    CacheArguments,
    RepeatedSource,
    FlowListedTwice,
)


def every_rule() -> tuple[type[Rule], ...]:
    """All rules by code: ``RULES`` and those about faults that the reader itself finds."""
    from selinon_core.lint.reading_rules import READING_RULES

    return tuple(sorted((*READING_RULES, *RULES), key=lambda rule: rule.code))
