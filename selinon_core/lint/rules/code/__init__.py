"""SEL6xx: the Python code that a project names."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.code.annotated_result import AnnotatedResult
from selinon_core.lint.rules.code.broken_module import BrokenModule
from selinon_core.lint.rules.code.class_without_run import ClassWithoutRun
from selinon_core.lint.rules.code.configured_class import ConfiguredClass
from selinon_core.lint.rules.code.coroutine_or_generator import CoroutineOrGenerator
from selinon_core.lint.rules.code.failing_import import FailingImport
from selinon_core.lint.rules.code.function_signature import FunctionSignature
from selinon_core.lint.rules.code.keyword_arguments import KeywordArguments
from selinon_core.lint.rules.code.module_not_found import ModuleNotFound
from selinon_core.lint.rules.code.name_not_found import NameNotFound
from selinon_core.lint.rules.code.predicate_signature import PredicateSignature
from selinon_core.lint.rules.code.run_signature import RunSignature
from selinon_core.lint.rules.code.task_constructor import TaskConstructor

RULES: tuple[type[Rule], ...] = (
    ModuleNotFound,  # SEL601
    NameNotFound,  # SEL602
    ClassWithoutRun,  # SEL603
    RunSignature,  # SEL604
    FunctionSignature,  # SEL605
    PredicateSignature,  # SEL606
    BrokenModule,  # SEL607
    FailingImport,  # SEL608
    TaskConstructor,  # SEL609
    ConfiguredClass,  # SEL610
    CoroutineOrGenerator,  # SEL611
    KeywordArguments,  # SEL612
    AnnotatedResult,  # SEL613
)
