"""Types of operators: arithmetic, comparisons, ``and``, ``or``, ``not``."""

from __future__ import annotations

from selinon_core.expressions.checking.failing import division
from selinon_core.expressions.checking.findings import Finding, Fix, Kind
from selinon_core.expressions.checking.implications import facts_when
from selinon_core.expressions.checking.narrowing import Facts
from selinon_core.expressions.checking.signatures import numeric
from selinon_core.expressions.checking.state import State, is_all_of
from selinon_core.expressions.tree import (
    Arithmetic,
    Call,
    Comparison,
    Field,
    Index,
    Junction,
    Literal,
    Name,
    Negation,
    Negative,
    Tree,
)
from selinon_core.expressions.type_algebra import may_be_equal
from selinon_core.expressions.type_limits import Limits, always
from selinon_core.expressions.type_words import describe
from selinon_core.expressions.types import (
    ANY,
    BOOL,
    BOOLEAN,
    FLOAT,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    TEXT,
    Constant,
    ListType,
    Member,
    ObjectType,
    Plain,
    Type,
    constant,
)

_DIVISIONS = frozenset({"/", "//", "%"})
#: Constants that the help of a comparison lists.
_MOST_LISTED = 6


def arithmetic(state: State, tree: Arithmetic, facts: Facts) -> Type:
    """Numbers, and texts for ``+``."""
    if tree.operator != "+":
        wants = f'"{tree.operator}" takes numbers'
        left = state.wanted(tree.left, facts, (NUMBER,), wants)
        right = state.wanted(tree.right, facts, (NUMBER,), wants)
        if tree.operator in _DIVISIONS and division(state, tree, right, facts):
            return ANY
        return FLOAT if tree.operator == "/" else numeric(left, right)
    pair = _pair(state, tree, tree.left, tree.right, facts, '"+" adds two numbers or two texts')
    if pair is None:
        return ANY
    kinds = pair[0].kinds() | pair[1].kinds()
    if len(kinds) != 1:
        return ANY
    return numeric(*pair) if NUMBER in kinds else STRING


def _pair(
    state: State, whole: Tree, left: Tree, right: Tree, facts: Facts, wants: str, start: int | None = None
) -> tuple[Type, Type] | None:
    """The types of two operands that have to be two numbers or two texts; None where they are not."""
    kinds = (NUMBER, TEXT)
    a = state.wanted(left, facts, kinds, wants)
    b = state.wanted(right, facts, kinds, wants)
    together = a.kinds() | b.kinds()
    if len(together) < 2:
        return a, b
    if not a.members or not b.members:  # one is anything
        return a, b
    first, second = describe(a, False), describe(b, False)
    message = f"{state.shown(left)} is {first} and {state.shown(right)} is {second}: {wants}"
    begin = whole.start if start is None else start
    end = right.end
    certain = not (a.loose or b.loose or a.kinds() & b.kinds())
    state.findings.append(Finding(Kind.WRONG_TYPE, begin, end, message, f"{first} and {second}", certain=certain))
    return None


def negative(state: State, tree: Negative, facts: Facts) -> Type:
    """A number."""
    found = state.wanted(tree.operand, facts, (NUMBER,), '"-" takes a number')
    if len(found.members) == 1 and isinstance(found.members[0], Constant) and not found.loose:
        return constant(-found.members[0].value)  # type: ignore[operator]
    return numeric(found)


def comparison(state: State, tree: Comparison, facts: Facts) -> Type:
    """A boolean."""
    left = tree.first
    for operator, _, right in tree.rest:
        if operator in ("==", "!="):
            _equality(state, tree, left, operator, right, facts)
        elif operator in ("in", "not in"):
            _membership(state, tree, left, operator, right, facts)
        else:
            _order(state, tree, left, operator, right, facts)
        left = right
    return BOOL


def _equality(state: State, tree: Comparison, left: Tree, operator: str, right: Tree, facts: Facts) -> None:
    a, b = state.type_of(left, facts), state.type_of(right, facts)
    if a.is_any or b.is_any or a.loose or b.loose or a.is_never or b.is_never:
        return
    if not may_be_equal(a, b):
        _constant(state, left, operator, right, operator == "!=", a, b)
    elif a.kinds() == b.kinds() == {NULL}:
        _constant(state, left, operator, right, operator == "==", a, b)


def _order(state: State, tree: Comparison, left: Tree, operator: str, right: Tree, facts: Facts) -> None:
    wants = f'"{operator}" compares two numbers or two texts'
    pair = _pair(state, tree, left, right, facts, wants, left.start)
    if pair is None:
        return
    a, b = pair
    if not a.kinds() == b.kinds() == {NUMBER} or a.loose or b.loose:
        return
    found = always(operator, map(_limits, a.members), map(_limits, b.members))
    if found is not None:
        _constant(state, left, operator, right, found, a, b)


def _limits(number: Member) -> Limits:
    """The bounds of the numbers of a member."""
    if isinstance(number, Constant):
        return Limits(number.value, number.value)  # type: ignore[arg-type]
    limits = number.limits if isinstance(number, Plain) else None
    return Limits() if limits is None else limits


def _constant(state: State, left: Tree, operator: str, right: Tree, always: bool, a: Type, b: Type) -> None:
    """Report a comparison that has one result, unless it is made of constants of the files only."""
    if _is_written(state, left) and _is_written(state, right):
        return
    word = "always" if always else "never"
    text = f"{state.shown(left)} {operator} {state.shown(right)}"
    told, other, literal = (left, a, right) if not _is_written(state, left) else (right, b, left)
    note = f"{state.shown(told)} is {describe(other)}"
    candidates: tuple[str, ...] = ()
    start, end = left.start, right.end
    if isinstance(literal, Literal) and isinstance(literal.value, str):
        values = [m.value for m in other.of(TEXT) if isinstance(m, Constant)]
        candidates = tuple([str(value) for value in values])
    help = "" if not candidates or len(candidates) > _MOST_LISTED else f"it can be {describe(other)}"
    found = Finding(
        Kind.CONSTANT, start, end, f"{text} is {word} true", note, help, candidates=candidates, reason=word
    )
    state.findings.append(found)


def _is_written(state: State, tree: Tree) -> bool:
    """Whether a value stands in the files: a literal, or a constant of ``vars``."""
    while isinstance(tree, Field | Index):
        tree = tree.subject
    if isinstance(tree, Name):
        return tree.name == "vars" and tree.name not in state.variables
    return isinstance(tree, Literal) or (isinstance(tree, Negative) and isinstance(tree.operand, Literal))


def _membership(state: State, tree: Comparison, left: Tree, operator: str, right: Tree, facts: Facts) -> None:
    value = state.type_of(left, facts)
    wants = f'"{operator}" asks a list, an object or a text'
    whole = state.wanted(right, facts, (LIST, OBJECT, TEXT), wants)
    kinds = whole.kinds()
    if not kinds:
        return
    if kinds <= {TEXT, OBJECT}:
        asked = "keys of an object are texts" if OBJECT in kinds else "only a text is in a text"
        value = state.fitting(left, value, facts, (TEXT,), asked)
    if value.loose or value.is_never or whole.loose:
        return
    certain = {_member_of(value, member) for member in whole.members}
    if certain == {False}:
        _constant(state, left, operator, right, operator == "not in", value, whole)
    elif certain == {True}:
        _constant(state, left, operator, right, operator == "in", value, whole)


def _member_of(value: Type, member: Member) -> bool | None:
    """Whether a value is never (False) or always (True) in something."""
    if isinstance(member, ListType):
        item = member.any_item()
        return None if item.loose or item.is_never or may_be_equal(value, item) else False
    if isinstance(member, ObjectType):
        keys = [m.value for m in value.members if isinstance(m, Constant) and isinstance(m.value, str)]
        if len(keys) != len(value.members):
            return None
        if member.required.issuperset(keys):
            return True
        return False if member.others is None and not any(member.names(key) for key in keys) else None
    return None


# --- booleans ----------------------------------------------------------------------------------------------------


def boolean(state: State, tree: Tree, facts: Facts, wants: str) -> None:
    """Report a part that is not a boolean and has to be."""
    found = state.type_of(tree, facts)
    if found is BOOL:
        return  # nearly always
    rest = state.not_null(tree, found, facts)
    wrong = rest.without(BOOLEAN)
    if not wrong.members:
        return
    certain = is_all_of(wrong, rest)
    words = describe(wrong, False)
    help, fixes = _as_boolean(state, tree, wrong)
    message = f"{state.shown(tree)} {'is' if certain else 'may be'} {words}: {wants}"
    state.add(Kind.NOT_BOOLEAN, tree, message, words, help, fixes, certain)


def _as_boolean(state: State, tree: Tree, type_: Type) -> tuple[str, tuple[Fix, ...]]:
    kinds, written = type_.kinds(), state.written(tree)
    is_path = isinstance(tree, Name | Field | Index | Call)
    if kinds == {NUMBER} and is_path:
        return _fix("compare it", tree, f"{written} != 0")
    if kinds <= {LIST, TEXT, OBJECT} and len(kinds) == 1:
        return _fix("ask for its length", tree, f"len({written}) > 0")
    if is_path and isinstance(tree, Name | Field | Index):
        return "compare it with something, or ask whether it is there: has(...)", ()
    return "compare it with something", ()


def _fix(title: str, tree: Tree, text: str) -> tuple[str, tuple[Fix, ...]]:
    shown = " ".join(text.split())
    return f"{title}: {shown}", (Fix(f"{title}: {shown}", tree.start, tree.end, text),)


def negation(state: State, tree: Negation, facts: Facts) -> Type:
    """A boolean."""
    boolean(state, tree.operand, facts, '"not" takes a boolean')
    return BOOL


def junction(state: State, tree: Junction, facts: Facts) -> Type:
    """A boolean; an operand is worked out only when those before it did not decide."""
    wants = f'"{tree.operator}" takes booleans'
    before: Tree | None = None
    for operand in tree.operands:
        if before is not None:
            facts = facts_when(state, before, tree.operator == "and", facts)
        boolean(state, operand, facts, wants)
        before = operand
    return BOOL
