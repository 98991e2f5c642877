"""SEL9xx: what is of no use, probably not meant, or differs from Selinon 1.x."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.style.aliases_differ import AliasesDiffer
from selinon_core.lint.rules.style.countdown_without_retry import CountdownWithoutRetry
from selinon_core.lint.rules.style.empty_semantics_changed import EmptySemanticsChanged
from selinon_core.lint.rules.style.length_semantics_changed import LengthSemanticsChanged
from selinon_core.lint.rules.style.malformed_placeholder import MalformedPlaceholder
from selinon_core.lint.rules.style.missing_variable import MissingVariable
from selinon_core.lint.rules.style.polling_event import PollingEvent
from selinon_core.lint.rules.style.polling_setting import PollingSetting
from selinon_core.lint.rules.style.similar_flows import SimilarFlows
from selinon_core.lint.rules.style.strategy_semantics_changed import StrategySemanticsChanged
from selinon_core.lint.rules.style.surprising_value import SurprisingValue
from selinon_core.lint.rules.style.unused_flow import UnusedFlow
from selinon_core.lint.rules.style.unused_storage import UnusedStorage
from selinon_core.lint.rules.style.unused_task import UnusedTask
from selinon_core.lint.rules.style.yaml_boolean_name import YamlBooleanName

RULES: tuple[type[Rule], ...] = (
    YamlBooleanName,  # SEL901
    UnusedTask,  # SEL902
    UnusedStorage,  # SEL903
    UnusedFlow,  # SEL904
    CountdownWithoutRetry,  # SEL905
    AliasesDiffer,  # SEL906
    MissingVariable,  # SEL907
    MalformedPlaceholder,  # SEL908
    SimilarFlows,  # SEL909
    EmptySemanticsChanged,  # SEL910
    StrategySemanticsChanged,  # SEL911
    LengthSemanticsChanged,  # SEL912
    PollingSetting,  # SEL913
    PollingEvent,  # SEL914
    SurprisingValue,  # SEL915
)
