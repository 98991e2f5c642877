"""The faults that the reader finds itself: documented like every other rule, so that each can be explained."""

from __future__ import annotations

from selinon_core.config import codes
from selinon_core.lint.rule import Rule


class YamlSyntax(Rule):
    """The text is not YAML.

    What it does: Reports the place at which the parser could not go on. What is complete before it is still
    checked.

    Why it is bad: Nothing behind the place can be read.

    Example:
          - name: Charge
            import: 'shop.tasks

    Use instead:
          - name: Charge
            import: 'shop.tasks'
    """

    code = codes.SYNTAX.code
    severity = codes.SYNTAX.severity
    title = "YAML syntax error"


class UnreadableFile(Rule):
    """A file cannot be read, or is not text in UTF-8.

    What it does: Reports files that cannot be opened and bytes that are no text. UTF-16 with a byte order
    mark is read too.

    Why it is bad: What the file defines is missing from the project.

    Example:
        a file saved as Latin-1

    Use instead:
        the same file saved as UTF-8
    """

    code = codes.UNREADABLE.code
    severity = codes.UNREADABLE.severity
    title = "file cannot be read"


class DuplicateKey(Rule):
    """A mapping has a key twice.

    What it does: Reports a key that stands more than once in one mapping. A key that overrides one of a
    merge key (`<<`) is none.

    Why it is bad: The last one counts and the others are ignored silently; that is rarely what was meant.

    Example:
          - name: Charge
            import: shop.tasks
            queue: slow
            queue: fast

    Use instead:
          - name: Charge
            import: shop.tasks
            queue: fast
    """

    code = codes.DUPLICATE_KEY.code
    severity = codes.DUPLICATE_KEY.severity
    title = "duplicate key"


class UnknownTag(Rule):
    """A value carries a tag that means nothing here.

    What it does: Reports tags other than YAML's own for text, numbers, booleans, null, lists and mappings.
    Nothing is ever executed because of a tag.

    Why it is bad: Values are plain data. A tag such as `!!python/object` would ask the reader to run code.

    Example:
          configuration: !!python/object/apply:os.getcwd []

    Use instead:
          configuration: '{PWD}'
    """

    code = codes.UNKNOWN_TAG.code
    severity = codes.UNKNOWN_TAG.severity
    title = "unknown tag"


class UnknownAlias(Rule):
    """An alias refers to an anchor that is not defined above it.

    What it does: Reports `*name` for which no `&name` stands earlier in the same file.

    Why it is bad: Anchors do not reach over files, and the value is missing.

    Example:
          - name: b
            <<: *bsae

    Use instead:
          - &base
            name: a
            edges: [{from: , to: Charge}]
          - <<: *base
            name: b
    """

    code = codes.UNKNOWN_ALIAS.code
    severity = codes.UNKNOWN_ALIAS.severity
    title = "unknown alias"


class RecursiveAlias(Rule):
    """An alias stands inside the value it refers to.

    What it does: Reports an alias within its own anchor.

    Why it is bad: The value would contain itself without end.

    Example:
          configuration: &c
            inner: *c

    Use instead:
          configuration:
            inner: {}
    """

    code = codes.RECURSIVE_ALIAS.code
    severity = codes.RECURSIVE_ALIAS.severity
    title = "recursive alias"


class ExpansionTooLarge(Rule):
    """Aliases make the file much larger than it is.

    What it does: Reports a file whose aliases or merge keys would expand to hundreds of thousands of
    values.

    Why it is bad: A few lines of nested aliases can stand for billions of values; the file is not read.

    Example:
          a: &a [x, x, x, x]
          b: &b [*a, *a, *a, *a]
          c: &c [*b, *b, *b, *b]   # and so on

    Use instead:
          a: [x, x, x, x]
    """

    code = codes.TOO_LARGE.code
    severity = codes.TOO_LARGE.severity
    title = "aliases expand too far"


class NestedTooDeep(Rule):
    """Lists and mappings are nested hundreds of levels deep.

    What it does: Reports the place from which on the file is not read, because its nesting exceeds any
    sensible depth.

    Why it is bad: No project needs it, and it makes tools run out of stack.

    Example:
          args: {key: [[[[[[]]]]]]}   # and hundreds more

    Use instead:
          args: {key: []}
    """

    code = codes.TOO_DEEP.code
    severity = codes.TOO_DEEP.severity
    title = "nested too deep"


class SeveralDocuments(Rule):
    """A file holds a second YAML document.

    What it does: Reports a `---` behind content. What stands above it is read.

    Why it is bad: The documents behind the first would be ignored.

    Example:
        tasks: []
        ---
        flow-definitions: []

    Use instead:
        tasks: []
        flow-definitions: []
    """

    code = codes.SEVERAL_DOCUMENTS.code
    severity = codes.SEVERAL_DOCUMENTS.severity
    title = "several documents in a file"


class BadMerge(Rule):
    """A merge key (`<<`) has a value that is no mapping.

    What it does: Reports merge keys whose value is neither a mapping nor a list of mappings.

    Why it is bad: There are no keys to merge.

    Example:
          - <<: base

    Use instead:
          - <<: *base
    """

    code = codes.BAD_MERGE.code
    severity = codes.BAD_MERGE.severity
    title = "merge of something else than a mapping"


class BadKey(Rule):
    """A list or mapping is used as a key.

    What it does: Reports keys that are not single values.

    Why it is bad: No key of the language is one, and data with such keys cannot be passed on.

    Example:
          {a: b}: c

    Use instead:
          a: b
    """

    code = codes.BAD_KEY.code
    severity = codes.BAD_KEY.severity
    title = "key is a list or mapping"


class BadScalar(Rule):
    """A value does not fit the tag it carries.

    What it does: Reports values such as `!!int many`.

    Why it is bad: The value has no meaning.

    Example:
          max_retry: !!int many

    Use instead:
          max_retry: 3
    """

    code = codes.BAD_SCALAR.code
    severity = codes.BAD_SCALAR.severity
    title = "value does not fit its tag"


class DuplicateAnchor(Rule):
    """An anchor's name is defined a second time.

    What it does: Reports the second `&name` of a name.

    Why it is bad: Aliases below it mean another value than aliases above it.

    Example:
          - &base {name: A, import: shop}
          - &base {name: B, import: shop}

    Use instead:
          - &first {name: A, import: shop}
          - &second {name: B, import: shop}
    """

    code = codes.DUPLICATE_ANCHOR.code
    severity = codes.DUPLICATE_ANCHOR.severity
    title = "anchor defined again"


class NoSection(Rule):
    """A file that was named has none of the five sections.

    What it does: Reports files that were named on purpose and have no `tasks`, `flows`, `storages`,
    `global` or `flow-definitions`. Files found by searching a directory are passed over.

    Why it is bad: Most likely the wrong file was named, or a key is misspelt.

    Example:
        flow-definition:
          - name: order

    Use instead:
        flow-definitions:
          - name: order
    """

    code = codes.NO_SECTION.code
    severity = codes.NO_SECTION.severity
    title = "file without any section"


class UnknownKey(Rule):
    """A mapping of the language has a key that means nothing.

    What it does: Reports unknown keys of tasks, storages, flows, edges, conditions and so on. A misspelt
    required key is then read as what it was meant to be.

    Why it is bad: The setting would be ignored silently.

    Example:
          - name: Charge
            import: shop.tasks
            max_retries: 3

    Use instead:
          - name: Charge
            import: shop.tasks
            max_retry: 3
    """

    code = codes.UNKNOWN_KEY.code
    severity = codes.UNKNOWN_KEY.severity
    title = "unknown key"


class UnknownSection(Rule):
    """A file has a top-level key that means nothing.

    What it does: Reports unknown keys beside `tasks`, `flows`, `storages`, `global` and `flow-definitions`.
    Keys that begin with `x-` are yours.

    Why it is bad: It is ignored, which hides a misspelling.

    Example:
        task:
          - name: Charge

    Use instead:
        tasks:
          - name: Charge
        x-shared: &shared {}
    """

    code = codes.UNKNOWN_SECTION.code
    severity = codes.UNKNOWN_SECTION.severity
    title = "unknown top-level key"


class MissingKey(Rule):
    """A required key is missing or has no value.

    What it does: Reports required keys that are not given; null and an empty list count as not given.

    Why it is bad: There is no default.

    Example:
          - name: Charge

    Use instead:
          - name: Charge
            import: shop.tasks
    """

    code = codes.MISSING_KEY.code
    severity = codes.MISSING_KEY.severity
    title = "missing key"


class WrongType(Rule):
    """A value is of the wrong type.

    What it does: Reports values that are not of the type their key needs. Mind that YAML reads `yes` as a
    boolean and `12:30` as a number.

    Why it is bad: The value cannot be used.

    Example:
          max_retry: many

    Use instead:
          max_retry: 3
    """

    code = codes.WRONG_TYPE.code
    severity = codes.WRONG_TYPE.severity
    title = "wrong type"


class WrongValue(Rule):
    """A value is of the right type but not allowed.

    What it does: Reports numbers that are too small or too large, and words that are none of those allowed.

    Why it is bad: The value cannot be used.

    Example:
          max_retry: -1

    Use instead:
          max_retry: 0
    """

    code = codes.WRONG_VALUE.code
    severity = codes.WRONG_VALUE.severity
    title = "value out of range"


class BadName(Rule):
    """A name has characters that names cannot have.

    What it does: Reports names of tasks and flows that are not letters, digits and underscores, and names
    of modules, classes and functions that Python cannot have.

    Why it is bad: Flows could not refer to it, or it cannot be imported.

    Example:
          - name: charge-card
            import: shop/tasks

    Use instead:
          - name: charge_card
            import: shop.tasks
    """

    code = codes.BAD_NAME.code
    severity = codes.BAD_NAME.severity
    title = "bad name"


class EmptyList(Rule):
    """A list that needs an entry is empty.

    What it does: Reports `[]` under `edges`, `to`, `nodes`, `and`, `or` and `not`. Elsewhere an empty list
    means that the key is not given.

    Why it is bad: Nothing could ever start, or the condition has no value.

    Example:
          - from: Charge
            to: []

    Use instead:
          - from: Charge
            to: Ship
    """

    code = codes.EMPTY_LIST.code
    severity = codes.EMPTY_LIST.severity
    title = "empty list"


class ConflictingKeys(Rule):
    """Two keys that mean the same are both given.

    What it does: Reports `storage_readonly` beside `storage_read_only`, and `name` beside `function` in a
    selective run function.

    Why it is bad: One of them would be ignored.

    Example:
            storage_readonly: true
            storage_read_only: false

    Use instead:
            storage_readonly: true
    """

    code = codes.CONFLICTING_KEYS.code
    severity = codes.CONFLICTING_KEYS.severity
    title = "two keys that mean the same"


class GivenTwice(Rule):
    """A key of `global` is given in more than one file.

    What it does: Reports the later one, which counts.

    Why it is bad: Which file comes last is easily changed by accident.

    Example:
        # nodes.yaml
        global: {default_task_queue: slow}
        # more.yaml
        global: {default_task_queue: fast}

    Use instead:
        # nodes.yaml
        global: {default_task_queue: fast}
    """

    code = codes.GIVEN_TWICE.code
    severity = codes.GIVEN_TWICE.severity
    title = "setting given in several files"


class KeyWithoutKey(Rule):
    """A key is given that needs another key.

    What it does: Reports `storage_task_name` on a task without `storage`, and `quantifier` on a predicate
    whose `node` is no path.

    Why it is bad: It has no effect.

    Example:
          - name: Charge
            import: shop.tasks
            storage_task_name: Payment

    Use instead:
          - name: Charge
            import: shop.tasks
            storage: Database
            storage_task_name: Payment
    """

    code = codes.KEY_WITHOUT_KEY.code
    severity = codes.KEY_WITHOUT_KEY.severity
    title = "key of no use without another one"


class BadCondition(Rule):
    """A mapping in a condition is none of and, or, not and a predicate.

    What it does: Reports mappings that have none or several of `and`, `or`, `not` and `name`.

    Why it is bad: It is not clear what is meant.

    Example:
            condition:
              name: fieldExist
              and: [{name: isDict}]

    Use instead:
            condition:
              and: [{name: isDict}, {name: fieldExist, args: {key: id}}]
    """

    code = codes.BAD_CONDITION.code
    severity = codes.BAD_CONDITION.severity
    title = "not a condition"


class UnusedIgnore(Rule):
    """An ignore comment silences nothing.

    What it does: Reports codes in `# selinon: ignore[...]` that do not occur on the line or in what begins
    on it.

    Why it is bad: The reason is gone; the comment would hide the next mistake.

    Example:
          - from: Charge   # selinon: ignore[SEL201] will be added
            to: Ship

    Use instead:
          - from: Charge
            to: Ship
    """

    code = codes.UNUSED_IGNORE.code
    severity = codes.UNUSED_IGNORE.severity
    title = "ignore comment of no use"


class BadIgnore(Rule):
    """An ignore comment names no code.

    What it does: Reports ignore comments without codes, and codes that are not `SEL` and three digits.
    Nothing is ignored then.

    Why it is bad: An ignore without a code would hide any mistake.

    Example:
          - from: Chrage   # selinon: ignore

    Use instead:
          - from: Chrage   # selinon: ignore[SEL201] comes with the next release
    """

    code = codes.BAD_IGNORE.code
    severity = codes.BAD_IGNORE.severity
    title = "ignore comment without codes"


class YamlBooleanName(Rule):
    """A name is written as one of YAML's booleans.

    What it does: Reports `on`, `off`, `yes`, `no`, `true` and `false` where a name or text is expected.
    They are taken as written.

    Why it is bad: YAML 1.1 reads them as booleans, and other tools will.

    Example:
          - name: on
            import: lamp.tasks

    Use instead:
          - name: "on"
            import: lamp.tasks
    """

    code = codes.YAML_BOOLEAN_NAME.code
    severity = codes.YAML_BOOLEAN_NAME.severity
    title = "YAML boolean used as a name"


#: Every fault of ``config.codes``, in its order.
READING_RULES: tuple[type[Rule], ...] = (
    YamlSyntax,
    UnreadableFile,
    DuplicateKey,
    UnknownTag,
    UnknownAlias,
    RecursiveAlias,
    ExpansionTooLarge,
    NestedTooDeep,
    SeveralDocuments,
    BadMerge,
    BadKey,
    BadScalar,
    DuplicateAnchor,
    NoSection,
    UnknownKey,
    UnknownSection,
    MissingKey,
    WrongType,
    WrongValue,
    BadName,
    EmptyList,
    ConflictingKeys,
    GivenTwice,
    KeyWithoutKey,
    BadCondition,
    UnusedIgnore,
    BadIgnore,
    YamlBooleanName,
)
