"""SEL2xx: names that refer to nothing or to two things, and the arguments of what they name."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.names.argument_type import ArgumentType
from selinon_core.lint.rules.names.cache_arguments import CacheArguments
from selinon_core.lint.rules.names.duplicate_flow import DuplicateFlow
from selinon_core.lint.rules.names.duplicate_storage import DuplicateStorage
from selinon_core.lint.rules.names.duplicate_task import DuplicateTask
from selinon_core.lint.rules.names.flow_listed_twice import FlowListedTwice
from selinon_core.lint.rules.names.flow_not_defined import FlowNotDefined
from selinon_core.lint.rules.names.flow_not_listed import FlowNotListed
from selinon_core.lint.rules.names.predicate_arguments import PredicateArguments
from selinon_core.lint.rules.names.repeated_source import RepeatedSource
from selinon_core.lint.rules.names.storage_arguments import StorageArguments
from selinon_core.lint.rules.names.strategy_arguments import StrategyArguments
from selinon_core.lint.rules.names.task_and_flow import TaskAndFlow
from selinon_core.lint.rules.names.unknown_cache import UnknownCache
from selinon_core.lint.rules.names.unknown_flow import UnknownFlow
from selinon_core.lint.rules.names.unknown_node import UnknownNode
from selinon_core.lint.rules.names.unknown_predicate import UnknownPredicate
from selinon_core.lint.rules.names.unknown_storage import UnknownStorage
from selinon_core.lint.rules.names.unknown_strategy import UnknownStrategy

RULES: tuple[type[Rule], ...] = (
    UnknownNode,  # SEL201
    UnknownFlow,  # SEL202
    UnknownStorage,  # SEL203
    UnknownPredicate,  # SEL204
    UnknownStrategy,  # SEL205
    UnknownCache,  # SEL206
    DuplicateTask,  # SEL207
    DuplicateFlow,  # SEL208
    DuplicateStorage,  # SEL209
    TaskAndFlow,  # SEL210
    FlowNotDefined,  # SEL211
    FlowNotListed,  # SEL212
    PredicateArguments,  # SEL213
    StrategyArguments,  # SEL214
    CacheArguments,  # SEL215
    RepeatedSource,  # SEL216
    FlowListedTwice,  # SEL217
    StorageArguments,  # SEL218
    ArgumentType,  # SEL219
)
