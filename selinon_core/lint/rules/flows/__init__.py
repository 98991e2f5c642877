"""SEL41x and SEL42x: what flows pass on to sub-flows, selective runs, nowait and eager nodes."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.flows.args_without_storage import ArgsWithoutStorage
from selinon_core.lint.rules.flows.discarded_result import DiscardedResult
from selinon_core.lint.rules.flows.eager_not_in_flow import EagerNotInFlow
from selinon_core.lint.rules.flows.eager_with_fallback import EagerWithFallback
from selinon_core.lint.rules.flows.first_node_not_single_task import FirstNodeNotSingleTask
from selinon_core.lint.rules.flows.item_and_args import ItemAndArgs
from selinon_core.lint.rules.flows.nowait_never_started import NowaitNeverStarted
from selinon_core.lint.rules.flows.nowait_waited_for import NowaitWaitedFor
from selinon_core.lint.rules.flows.parent_failures_of_nothing import ParentFailuresOfNothing
from selinon_core.lint.rules.flows.parent_not_given import ParentNotGiven
from selinon_core.lint.rules.flows.propagation_not_in_flow import PropagationNotInFlow
from selinon_core.lint.rules.flows.propagation_of_nothing import PropagationOfNothing
from selinon_core.lint.rules.flows.propagation_twice import PropagationTwice
from selinon_core.lint.rules.flows.selective_destination import SelectiveDestination
from selinon_core.lint.rules.flows.selective_task import SelectiveTask

RULES: tuple[type[Rule], ...] = (
    NowaitWaitedFor,  # SEL410
    NowaitNeverStarted,  # SEL411
    EagerNotInFlow,  # SEL412
    EagerWithFallback,  # SEL413
    PropagationNotInFlow,  # SEL414
    PropagationOfNothing,  # SEL415
    ParentFailuresOfNothing,  # SEL416
    PropagationTwice,  # SEL417
    FirstNodeNotSingleTask,  # SEL418
    ArgsWithoutStorage,  # SEL419
    ItemAndArgs,  # SEL420
    SelectiveDestination,  # SEL421
    SelectiveTask,  # SEL422
    DiscardedResult,  # SEL423
    ParentNotGiven,  # SEL424
)
