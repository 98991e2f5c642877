"""SEL430 to 449: the expressions in conditions, foreach, arguments and outputs."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.expressions.expression_syntax import ExpressionSyntax
from selinon_core.lint.rules.expressions.needless_delimiters import NeedlessDelimiters

#: All of them are found while files are read, and keep a plan from being made by themselves.
RULES: tuple[type[Rule], ...] = (
    ExpressionSyntax,  # SEL430
    NeedlessDelimiters,  # SEL446
)
