"""SEL3xx: edges, conditions on them, and what they start."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.graph.always_true import AlwaysTrue
from selinon_core.lint.rules.graph.cyclic_wait import CyclicWait
from selinon_core.lint.rules.graph.endless_recursion import EndlessRecursion
from selinon_core.lint.rules.graph.impossible_join import ImpossibleJoin
from selinon_core.lint.rules.graph.join_in_cycle import JoinInCycle
from selinon_core.lint.rules.graph.never_started import NeverStarted
from selinon_core.lint.rules.graph.never_true import NeverTrue
from selinon_core.lint.rules.graph.no_start import NoStart
from selinon_core.lint.rules.graph.non_exhaustive_conditions import NonExhaustiveConditions
from selinon_core.lint.rules.graph.repeated_edge import RepeatedEdge
from selinon_core.lint.rules.graph.unconditional_cycle import UnconditionalCycle
from selinon_core.lint.rules.graph.unreachable_node import UnreachableNode

RULES: tuple[type[Rule], ...] = (
    NoStart,  # SEL301
    NeverStarted,  # SEL302
    CyclicWait,  # SEL303
    EndlessRecursion,  # SEL304
    UnconditionalCycle,  # SEL311
    NeverTrue,  # SEL312
    AlwaysTrue,  # SEL313
    UnreachableNode,  # SEL314
    JoinInCycle,  # SEL315
    RepeatedEdge,  # SEL316
    NonExhaustiveConditions,  # SEL317
    ImpossibleJoin,  # SEL318
)
