"""Types of calls: the functions of the table, and ``has`` and ``default``, which ask whether there is a value."""

from __future__ import annotations

from functools import cache

from selinon_core.expressions.checking import failing
from selinon_core.expressions.checking.findings import Finding, Kind
from selinon_core.expressions.checking.narrowing import Facts
from selinon_core.expressions.checking.paths import Reached, reach
from selinon_core.expressions.checking.signatures import SIGNATURES, items_of
from selinon_core.expressions.checking.state import State, is_all_of
from selinon_core.expressions.functions import FUNCTIONS, Function
from selinon_core.expressions.tree import Call, Field, Index, Name, Tree
from selinon_core.expressions.type_words import describe
from selinon_core.expressions.types import ANY, BOOL, KINDS, LIST, NULL, Type, union


def call(state: State, tree: Call, facts: Facts) -> Type:
    """The type of what a function gives; ``ANY`` where it is not called as it has to be."""
    function = FUNCTIONS.get(tree.function)
    if function is None:
        _unknown(state, tree)
    elif not _number_fits(state, tree, function):
        pass
    elif tree.function == "has":
        return _has(state, tree, facts)
    elif tree.function == "default":
        return _default(state, tree, facts)
    else:
        return _of_table(state, tree, function, facts)
    for argument in tree.arguments:
        state.type_of(argument, facts)
    return ANY


def _unknown(state: State, tree: Call) -> None:
    message = f'there is no function "{tree.function}"'
    names = tuple(FUNCTIONS)
    state.findings.append(Finding(Kind.UNKNOWN_FUNCTION, tree.start, tree.name_end, message, "", candidates=names))


def _number_fits(state: State, tree: Call, function: Function) -> bool:
    given, most = len(tree.arguments), len(function.parameters)
    if given >= function.needed and (function.repeats or given <= most):
        return True
    names = list(function.parameters)
    parts = [*names[: function.needed], *(f"[{name}]" for name in names[function.needed :])]
    shown = f"{tree.function}({', '.join(parts)}{', ...' if function.repeats else ''})"
    wanted = f"{function.needed}" if function.needed == most else f"{function.needed} to {most}"
    if function.repeats:
        wanted = f"{function.needed} or more"
    noun = "argument" if wanted == "1" else "arguments"
    message = (
        f"{tree.function}() takes {wanted} {noun}, and {given or 'none'} {'is' if given == 1 else 'are'} given"
    )
    state.add(Kind.ARGUMENTS, tree, message, shown)
    return False


def _of_table(state: State, tree: Call, function: Function, facts: Facts) -> Type:
    signature = SIGNATURES[tree.function]
    repeated = function.repeats and len(tree.arguments) > 1
    types: list[Type] = []
    for position, argument in enumerate(tree.arguments):
        allowed, wants = _allowed(tree.function, position, repeated)
        if not allowed:
            types.append(state.type_of(argument, facts))
            continue
        type_ = state.wanted(argument, facts, allowed, wants)
        if position == signature.integer:
            type_ = state.integer(argument, type_, f"argument {position + 1} of {tree.function}() is an integer")
        types.append(type_)
    if repeated:
        _alike(state, tree, tree, types, signature.one_kind)
    elif signature.items and tree.arguments:
        _items(state, tree, types[0], facts)
    if failing.function(state, tree, types, facts):
        return ANY
    return signature.gives(tuple(types))


@cache
def _allowed(name: str, position: int, repeated: bool) -> tuple[tuple[str, ...], str]:
    """The kinds that an argument of a function may be of (empty: all), and how messages say it."""
    function = FUNCTIONS[name]
    words = list(function.parameters.values())
    if function.repeats:
        allowed = SIGNATURES[name].items if repeated else (LIST,)
    else:
        allowed = tuple(words[position].split(" or "))
    if allowed == ("any",):
        return (), ""
    return allowed, f"{name}() takes {_words(allowed)}"


def _items(state: State, tree: Call, given: Type, facts: Facts) -> None:
    """What the items of the list have to be."""
    signature = SIGNATURES[tree.function]
    (argument, *_), item = tree.arguments, state.seen(items_of(given))
    wrong = item.without(*signature.items)
    if not wrong.members:
        _alike(state, tree, argument, [item], signature.one_kind)
        return
    words = describe(wrong, False)
    certain = is_all_of(wrong, item)
    verb = "are" if certain else "may be"
    wants = f"{tree.function}() takes a list of {_words(signature.items, plural=True)}"
    message = f"items of {state.shown(argument)} {verb} {words}: {wants}"
    help = "leave null out: [one for one in ... if one != null]" if wrong.kinds() == {NULL} else ""
    kind = Kind.MAY_BE_MISSING if wrong.kinds() == {NULL} and not certain else Kind.WRONG_TYPE
    state.add(kind, argument, message, words, help, certain=certain)


def _alike(state: State, tree: Call, place: Tree, types: list[Type], one_kind: bool) -> None:
    """All values are numbers, or all are texts."""
    type_ = union(types)
    if one_kind and len(type_.kinds()) > 1:
        of_one_kind = [type_.kinds() for type_ in types if not type_.loose and len(type_.kinds()) == 1]
        certain = len(frozenset().union(*of_one_kind)) > 1
        message = f"{tree.function}() takes numbers only or texts only, and these are {describe(type_, False)}"
        state.add(Kind.WRONG_TYPE, place, message, describe(type_, False), certain=certain)


def _asked(state: State, tree: Call, facts: Facts) -> Reached:
    """What ``has`` and ``default`` ask for: a path."""
    argument = tree.arguments[0]
    if isinstance(argument, Name | Field | Index):
        return reach(state, argument, facts, asking=True)
    message = f"{tree.function}() asks whether a name, a key or a position has a value"
    state.add(Kind.ARGUMENTS, argument, message, "this is none of them")
    state.type_of(argument, facts)
    return Reached(ANY, True)


def _has(state: State, tree: Call, facts: Facts) -> Type:
    found = _asked(state, tree, facts)
    (argument,) = tree.arguments
    if not found.may_be_missing and found.is_there:
        message = f"{state.shown(tree)} is always true"
        note = f"the schema requires {state.shown(argument)}"
        state.findings.append(Finding(Kind.CONSTANT, tree.start, tree.end, message, note, reason="always"))
    return BOOL


def _default(state: State, tree: Call, facts: Facts) -> Type:
    found = _asked(state, tree, facts)
    instead = state.type_of(tree.arguments[1], facts)
    is_certain = found.is_there and not found.may_be_missing
    if is_certain and not found.type.loose and NULL not in found.type.kinds():
        return found.type
    return union((found.type.without(NULL), instead))


def _words(kinds: tuple[str, ...], plural: bool = False) -> str:
    if plural:
        return " or ".join(f"{kind}s" for kind in kinds)
    articles = {kind: f"an {kind}" if kind[0] in "aeiou" else f"a {kind}" for kind in KINDS}
    return " or ".join(articles[kind] for kind in kinds)
