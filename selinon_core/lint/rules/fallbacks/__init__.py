"""SEL5xx: fallbacks of failed nodes."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.fallbacks.eager_flow_failures import EagerFlowFailures
from selinon_core.lint.rules.fallbacks.failure_condition import FailureCondition
from selinon_core.lint.rules.fallbacks.failure_not_started import FailureNotStarted
from selinon_core.lint.rules.fallbacks.mutually_exclusive_failures import MutuallyExclusiveFailures
from selinon_core.lint.rules.fallbacks.own_fallback import OwnFallback
from selinon_core.lint.rules.fallbacks.propagated_true import PropagatedTrue
from selinon_core.lint.rules.fallbacks.repeated_failure import RepeatedFailure
from selinon_core.lint.rules.fallbacks.shadowed_fallback import ShadowedFallback

RULES: tuple[type[Rule], ...] = (
    FailureNotStarted,  # SEL501
    OwnFallback,  # SEL502
    FailureCondition,  # SEL503
    PropagatedTrue,  # SEL504
    ShadowedFallback,  # SEL505
    MutuallyExclusiveFailures,  # SEL506
    RepeatedFailure,  # SEL507
    EagerFlowFailures,  # SEL508
)
