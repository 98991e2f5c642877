"""SEL0xx and SEL1xx: the text of a file and the shape of what it holds; the reader reports these faults itself."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.yaml.bad_condition import BadCondition
from selinon_core.lint.rules.yaml.bad_ignore import BadIgnore
from selinon_core.lint.rules.yaml.bad_key import BadKey
from selinon_core.lint.rules.yaml.bad_merge import BadMerge
from selinon_core.lint.rules.yaml.bad_name import BadName
from selinon_core.lint.rules.yaml.bad_scalar import BadScalar
from selinon_core.lint.rules.yaml.conflicting_keys import ConflictingKeys
from selinon_core.lint.rules.yaml.duplicate_anchor import DuplicateAnchor
from selinon_core.lint.rules.yaml.duplicate_key import DuplicateKey
from selinon_core.lint.rules.yaml.empty_list import EmptyList
from selinon_core.lint.rules.yaml.expansion_too_large import ExpansionTooLarge
from selinon_core.lint.rules.yaml.given_twice import GivenTwice
from selinon_core.lint.rules.yaml.key_without_key import KeyWithoutKey
from selinon_core.lint.rules.yaml.missing_key import MissingKey
from selinon_core.lint.rules.yaml.nested_too_deep import NestedTooDeep
from selinon_core.lint.rules.yaml.no_section import NoSection
from selinon_core.lint.rules.yaml.recursive_alias import RecursiveAlias
from selinon_core.lint.rules.yaml.several_documents import SeveralDocuments
from selinon_core.lint.rules.yaml.unknown_alias import UnknownAlias
from selinon_core.lint.rules.yaml.unknown_key import UnknownKey
from selinon_core.lint.rules.yaml.unknown_section import UnknownSection
from selinon_core.lint.rules.yaml.unknown_tag import UnknownTag
from selinon_core.lint.rules.yaml.unreadable_file import UnreadableFile
from selinon_core.lint.rules.yaml.unused_ignore import UnusedIgnore
from selinon_core.lint.rules.yaml.wrong_type import WrongType
from selinon_core.lint.rules.yaml.wrong_value import WrongValue
from selinon_core.lint.rules.yaml.yaml_syntax import YamlSyntax

RULES: tuple[type[Rule], ...] = (
    YamlSyntax,  # SEL001
    UnreadableFile,  # SEL002
    DuplicateKey,  # SEL003
    UnknownTag,  # SEL004
    UnknownAlias,  # SEL005
    RecursiveAlias,  # SEL006
    ExpansionTooLarge,  # SEL007
    NestedTooDeep,  # SEL008
    SeveralDocuments,  # SEL009
    BadMerge,  # SEL010
    BadKey,  # SEL011
    BadScalar,  # SEL012
    DuplicateAnchor,  # SEL013
    NoSection,  # SEL100
    UnknownKey,  # SEL101
    UnknownSection,  # SEL102
    MissingKey,  # SEL103
    WrongType,  # SEL104
    WrongValue,  # SEL105
    BadName,  # SEL106
    EmptyList,  # SEL107
    ConflictingKeys,  # SEL108
    GivenTwice,  # SEL109
    KeyWithoutKey,  # SEL110
    BadCondition,  # SEL111
    UnusedIgnore,  # SEL190
    BadIgnore,  # SEL191
)
