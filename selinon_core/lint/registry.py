"""Every rule, as a literal tuple in the order of the codes."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.aliases_differ import AliasesDiffer
from selinon_core.lint.rules.always_true import AlwaysTrue
from selinon_core.lint.rules.ambiguous_result import AmbiguousResult
from selinon_core.lint.rules.args_from_first import ArgsFromFirst
from selinon_core.lint.rules.args_without_storage import ArgsWithoutStorage
from selinon_core.lint.rules.behind_false_edge import BehindFalseEdge
from selinon_core.lint.rules.broken_module import BrokenModule
from selinon_core.lint.rules.cache_arguments import CacheArguments
from selinon_core.lint.rules.class_without_run import ClassWithoutRun
from selinon_core.lint.rules.condition_node import ConditionNode
from selinon_core.lint.rules.countdown_without_retry import CountdownWithoutRetry
from selinon_core.lint.rules.cyclic_wait import CyclicWait
from selinon_core.lint.rules.discarded_result import DiscardedResult
from selinon_core.lint.rules.duplicate_flow import DuplicateFlow
from selinon_core.lint.rules.duplicate_storage import DuplicateStorage
from selinon_core.lint.rules.duplicate_task import DuplicateTask
from selinon_core.lint.rules.eager_flow_failures import EagerFlowFailures
from selinon_core.lint.rules.eager_not_in_flow import EagerNotInFlow
from selinon_core.lint.rules.eager_with_fallback import EagerWithFallback
from selinon_core.lint.rules.empty_differs import EmptyDiffers
from selinon_core.lint.rules.endless_recursion import EndlessRecursion
from selinon_core.lint.rules.failing_import import FailingImport
from selinon_core.lint.rules.failure_condition import FailureCondition
from selinon_core.lint.rules.failure_not_started import FailureNotStarted
from selinon_core.lint.rules.flow_listed_twice import FlowListedTwice
from selinon_core.lint.rules.flow_not_defined import FlowNotDefined
from selinon_core.lint.rules.flow_not_listed import FlowNotListed
from selinon_core.lint.rules.forgotten_migration import ForgottenMigration
from selinon_core.lint.rules.function_signature import FunctionSignature
from selinon_core.lint.rules.item_and_args import ItemAndArgs
from selinon_core.lint.rules.join_in_cycle import JoinInCycle
from selinon_core.lint.rules.length_differs import LengthDiffers
from selinon_core.lint.rules.missing_variable import MissingVariable
from selinon_core.lint.rules.module_not_found import ModuleNotFound
from selinon_core.lint.rules.name_not_found import NameNotFound
from selinon_core.lint.rules.never_started import NeverStarted
from selinon_core.lint.rules.never_together import NeverTogether
from selinon_core.lint.rules.never_true import NeverTrue
from selinon_core.lint.rules.no_start import NoStart
from selinon_core.lint.rules.nowait_never_started import NowaitNeverStarted
from selinon_core.lint.rules.nowait_waited_for import NowaitWaitedFor
from selinon_core.lint.rules.odd_placeholder import OddPlaceholder
from selinon_core.lint.rules.open_branch import OpenBranch
from selinon_core.lint.rules.output_schema import OutputSchema
from selinon_core.lint.rules.own_fallback import OwnFallback
from selinon_core.lint.rules.parent_failures_of_nothing import ParentFailuresOfNothing
from selinon_core.lint.rules.polling_event import PollingEvent
from selinon_core.lint.rules.polling_setting import PollingSetting
from selinon_core.lint.rules.predicate_arguments import PredicateArguments
from selinon_core.lint.rules.predicate_signature import PredicateSignature
from selinon_core.lint.rules.propagated_true import PropagatedTrue
from selinon_core.lint.rules.propagation_not_in_flow import PropagationNotInFlow
from selinon_core.lint.rules.propagation_of_nothing import PropagationOfNothing
from selinon_core.lint.rules.propagation_twice import PropagationTwice
from selinon_core.lint.rules.repeated_edge import RepeatedEdge
from selinon_core.lint.rules.repeated_failure import RepeatedFailure
from selinon_core.lint.rules.repeated_source import RepeatedSource
from selinon_core.lint.rules.result_at_start import ResultAtStart
from selinon_core.lint.rules.result_not_stored import ResultNotStored
from selinon_core.lint.rules.result_without_storage import ResultWithoutStorage
from selinon_core.lint.rules.run_signature import RunSignature
from selinon_core.lint.rules.selective_destination import SelectiveDestination
from selinon_core.lint.rules.selective_task import SelectiveTask
from selinon_core.lint.rules.shadowed_fallback import ShadowedFallback
from selinon_core.lint.rules.similar_flows import SimilarFlows
from selinon_core.lint.rules.strategy_arguments import StrategyArguments
from selinon_core.lint.rules.strategy_differs import StrategyDiffers
from selinon_core.lint.rules.task_and_flow import TaskAndFlow
from selinon_core.lint.rules.task_constructor import TaskConstructor
from selinon_core.lint.rules.unconditional_cycle import UnconditionalCycle
from selinon_core.lint.rules.unknown_cache import UnknownCache
from selinon_core.lint.rules.unknown_flow import UnknownFlow
from selinon_core.lint.rules.unknown_node import UnknownNode
from selinon_core.lint.rules.unknown_predicate import UnknownPredicate
from selinon_core.lint.rules.unknown_storage import UnknownStorage
from selinon_core.lint.rules.unknown_strategy import UnknownStrategy
from selinon_core.lint.rules.unused_flow import UnusedFlow
from selinon_core.lint.rules.unused_storage import UnusedStorage
from selinon_core.lint.rules.unused_task import UnusedTask

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
    NoStart,
    NeverStarted,
    CyclicWait,
    EndlessRecursion,
    UnconditionalCycle,
    NeverTrue,
    AlwaysTrue,
    BehindFalseEdge,
    JoinInCycle,
    RepeatedEdge,
    OpenBranch,
    ResultWithoutStorage,
    ResultNotStored,
    ResultAtStart,
    AmbiguousResult,
    ConditionNode,
    OutputSchema,
    NowaitWaitedFor,
    NowaitNeverStarted,
    EagerNotInFlow,
    EagerWithFallback,
    PropagationNotInFlow,
    PropagationOfNothing,
    ParentFailuresOfNothing,
    PropagationTwice,
    ArgsFromFirst,
    ArgsWithoutStorage,
    ItemAndArgs,
    SelectiveDestination,
    SelectiveTask,
    DiscardedResult,
    FailureNotStarted,
    OwnFallback,
    FailureCondition,
    PropagatedTrue,
    ShadowedFallback,
    NeverTogether,
    RepeatedFailure,
    EagerFlowFailures,
    ModuleNotFound,
    NameNotFound,
    ClassWithoutRun,
    RunSignature,
    FunctionSignature,
    PredicateSignature,
    BrokenModule,
    FailingImport,
    TaskConstructor,
    ForgottenMigration,
    UnusedTask,
    UnusedStorage,
    UnusedFlow,
    CountdownWithoutRetry,
    AliasesDiffer,
    MissingVariable,
    OddPlaceholder,
    SimilarFlows,
    EmptyDiffers,
    StrategyDiffers,
    LengthDiffers,
    PollingSetting,
    PollingEvent,
)


def every_rule() -> tuple[type[Rule], ...]:
    """All rules by code: ``RULES`` and those about faults that the reader itself finds."""
    from selinon_core.lint.reading_rules import READING_RULES

    return tuple(sorted((*READING_RULES, *RULES), key=lambda rule: rule.code))
