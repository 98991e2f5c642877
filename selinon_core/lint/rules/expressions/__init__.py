"""SEL430 to 459: the expressions in conditions, foreach, arguments and outputs."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.expressions.args_given_twice import ArgsGivenTwice
from selinon_core.lint.rules.expressions.arguments_misfit import ArgumentsMisfit
from selinon_core.lint.rules.expressions.constant_comparison import ConstantComparison
from selinon_core.lint.rules.expressions.expression_syntax import ExpressionSyntax
from selinon_core.lint.rules.expressions.flow_copies import FlowCopies
from selinon_core.lint.rules.expressions.flow_without_output import FlowWithoutOutput
from selinon_core.lint.rules.expressions.missing_value import MissingValue
from selinon_core.lint.rules.expressions.name_out_of_place import NameOutOfPlace
from selinon_core.lint.rules.expressions.needless_delimiters import NeedlessDelimiters
from selinon_core.lint.rules.expressions.never_before import NeverBefore
from selinon_core.lint.rules.expressions.not_a_list import NotAList
from selinon_core.lint.rules.expressions.not_boolean import NotBoolean
from selinon_core.lint.rules.expressions.output_misfit import OutputMisfit
from selinon_core.lint.rules.expressions.several_results import SeveralResults
from selinon_core.lint.rules.expressions.several_runs import SeveralRuns
from selinon_core.lint.rules.expressions.unknown_field import UnknownField
from selinon_core.lint.rules.expressions.unknown_function import UnknownFunction
from selinon_core.lint.rules.expressions.unknown_name import UnknownName
from selinon_core.lint.rules.expressions.unstored_result import UnstoredResult
from selinon_core.lint.rules.expressions.untyped_result import UntypedResult
from selinon_core.lint.rules.expressions.wrong_operand import WrongOperand

RULES: tuple[type[Rule], ...] = (
    ExpressionSyntax,  # SEL430, by the reader
    UnknownName,  # SEL431
    UnknownFunction,  # SEL432
    UnknownField,  # SEL433
    WrongOperand,  # SEL434
    MissingValue,  # SEL435
    ConstantComparison,  # SEL436
    NotBoolean,  # SEL437
    NotAList,  # SEL438
    NameOutOfPlace,  # SEL439
    SeveralRuns,  # SEL440
    NeverBefore,  # SEL441
    FlowWithoutOutput,  # SEL442
    ArgumentsMisfit,  # SEL443
    ArgsGivenTwice,  # SEL444
    UnstoredResult,  # SEL445
    NeedlessDelimiters,  # SEL446, in part by the reader
    SeveralResults,  # SEL447
    FlowCopies,  # SEL448, by the reader
    UntypedResult,  # SEL449
    OutputMisfit,  # SEL450
)
