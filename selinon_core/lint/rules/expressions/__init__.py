"""SEL430 to 449: the expressions in conditions, foreach, arguments and outputs."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.expressions.args_given_twice import ArgsGivenTwice
from selinon_core.lint.rules.expressions.expression_syntax import ExpressionSyntax
from selinon_core.lint.rules.expressions.flow_copies import FlowCopies
from selinon_core.lint.rules.expressions.needless_delimiters import NeedlessDelimiters

RULES: tuple[type[Rule], ...] = (
    ExpressionSyntax,  # SEL430, by the reader
    ArgsGivenTwice,  # SEL444
    NeedlessDelimiters,  # SEL446, by the reader
    FlowCopies,  # SEL448, by the reader
)
