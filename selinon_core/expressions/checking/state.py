"""What one check has found so far, and what all parts of it report in the same words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from selinon_core.expressions.checking.findings import Finding, Fix, Kind
from selinon_core.expressions.checking.known_names import Names
from selinon_core.expressions.checking.narrowing import Facts, Path, path_of
from selinon_core.expressions.tree import Field, Index, Name, Tree
from selinon_core.expressions.type_words import describe
from selinon_core.expressions.types import (
    ANY,
    BOOLEAN,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Constant,
    Type,
    is_integral,
)

#: What stands for a value that is missing, by the kind of the value. An object without keys would help nothing.
_REPLACEMENTS = {NUMBER: "0", TEXT: '""', LIST: "[]", BOOLEAN: "false", OBJECT: ""}
_LONGEST_SHOWN = 60
#: The trees that may read a path.
_WITH_PATH = frozenset({Name, Field, Index})

_NO_VARIABLES: Mapping[str, int] = {}

#: Works out the type of a part of an expression; what is wrong is reported to the state.
TypeOf = Callable[["State", Any, Facts], Type]
#: Says what to do about a value of a wrong type.
Help = Callable[[Type], tuple[str, tuple[Fix, ...]]]


class State:
    """The text, the names, the variables of comprehensions around the present place, and the findings."""

    def __init__(self, text: str, names: Names, types: Mapping[type, TypeOf]) -> None:
        self.names = names
        self.certain = True
        self.findings: list[Finding] = []
        #: Variables of comprehensions: where they begin, and their types.
        self.variables: dict[str, tuple[int, Type]] = {}
        self._text = text
        self._types = types
        self._told: set[Path] = set()
        #: What parts read. A part stands in one place, so its variables are always the same.
        self._paths: dict[int, Path | None] = {}

    def type_of(self, tree: Tree, facts: Facts) -> Type:
        """The type of a part."""
        type_ = self._types[type(tree)](self, tree, facts)
        if type_.loose:
            self.certain = False
        return type_

    def seen(self, type_: Type) -> Type:
        """The same type; takes down that something unknown was read."""
        if type_.loose:
            self.certain = False
        return type_

    def quietly(self, tree: Tree, facts: Facts) -> Type:
        """The type of a part, without findings."""
        findings, told, certain = self.findings, self._told, self.certain
        self.findings, self._told = [], set(told)
        try:
            return self._types[type(tree)](self, tree, facts)
        finally:
            self.findings, self._told, self.certain = findings, told, certain

    def path(self, tree: Tree) -> Path | None:
        """The path that a tree reads."""
        if type(tree) not in _WITH_PATH:
            return None
        key = id(tree)
        if key not in self._paths:
            variables = self.variables
            starts = {name: start for name, (start, _) in variables.items()} if variables else _NO_VARIABLES
            self._paths[key] = path_of(tree, starts)
        return self._paths[key]

    @contextmanager
    def variable(self, name: str, start: int, type_: Type) -> Iterator[None]:
        """Within this, a name is the variable of a comprehension."""
        outer = self.variables
        self.variables = {**outer, name: (start, type_)}
        try:
            yield
        finally:
            self.variables = outer

    def shown(self, tree: Tree) -> str:
        """A part of the text in messages, on one line."""
        line = " ".join(self._text[tree.start : tree.end].split())
        return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 3]}..."

    def written(self, tree: Tree) -> str:
        """A part of the text as it is."""
        return self._text[tree.start : tree.end]

    def add(
        self,
        kind: Kind,
        tree: Tree,
        message: str,
        note: str = "",
        help: str = "",
        fixes: tuple[Fix, ...] = (),
        certain: bool = True,
    ) -> None:
        """Report a mistake of a whole part."""
        self.findings.append(Finding(kind, tree.start, tree.end, message, note, help, fixes, certain=certain))

    # --- missing and null ------------------------------------------------------------------------------------

    def missing(
        self, tree: Tree, path: Path | None, type_: Type, start: int, note: str, message: str = ""
    ) -> None:
        """Report once that a part may have no value. ``start`` is where its last name begins."""
        if self._tell(path):
            message = message or f"{self.shown(tree)} may be missing"
            help, fixes = self._default(tree, type_, "has")
            self.findings.append(Finding(Kind.MAY_BE_MISSING, start, tree.end, message, note, help, fixes))

    def not_null(self, tree: Tree, type_: Type, facts: Facts) -> Type:
        """The type without null; reports that a part may be null, which other values in its place are not."""
        rest = type_.without(NULL)
        if rest is type_ or rest.is_never:
            return type_
        if self._tell(self.path(tree)):
            help, fixes = self._default(tree, rest, "null")
            note = describe(type_)
            self.add(Kind.MAY_BE_MISSING, tree, f"{self.shown(tree)} may be null", note, help, fixes)
        return rest

    def _tell(self, path: Path | None) -> bool:
        if path is None:
            return True
        if path in self._told:
            return False
        self._told.add(path)
        return True

    def _default(self, tree: Tree, type_: Type, ask: str) -> tuple[str, tuple[Fix, ...]]:
        written, shown = self.written(tree), self.shown(tree)
        kinds = type_.without(NULL).kinds()
        value = _REPLACEMENTS[min(kinds)] if len(kinds) == 1 else ""
        test = f"has({shown}) and" if ask == "has" else f"{shown} != null and"
        if not value:
            return f"ask before: {test} ..., or write default(..., ...) around the whole path", ()
        fix = Fix(f"take {value} where there is no value", tree.start, tree.end, f"default({written}, {value})")
        return f"write default({shown}, {value}), or ask before: {test} ...", (fix,)

    # --- kinds -----------------------------------------------------------------------------------------------

    def wanted(
        self,
        tree: Tree,
        facts: Facts,
        kinds: Collection[str],
        wants: str,
        help: Help | None = None,
        kind: Kind = Kind.WRONG_TYPE,
    ) -> Type:
        """The type of a part whose value has to be of some kinds; ``ANY`` where it is not, which is reported.

        ``wants`` says who wants what: ``"-" takes numbers``.
        """
        return self.fitting(tree, self.type_of(tree, facts), facts, kinds, wants, help, kind)

    def fitting(
        self,
        tree: Tree,
        type_: Type,
        facts: Facts,
        kinds: Collection[str],
        wants: str,
        help: Help | None = None,
        kind: Kind = Kind.WRONG_TYPE,
    ) -> Type:
        """The same for a part whose type is known."""
        if len(type_.members) == 1 and type_.members[0].kind in kinds:
            return type_  # nearly always
        found = type_ if NULL in kinds else self.not_null(tree, type_, facts)
        wrong = found.without(*kinds)
        if not wrong.members:
            return found
        certain = is_all_of(wrong, found)
        words = describe(wrong, False)
        message = f"{self.shown(tree)} {'is' if certain else 'may be'} {words}: {wants}"
        self.add(kind, tree, message, words, *(("", ()) if help is None else help(wrong)), certain=certain)
        return ANY

    def integer(self, tree: Tree, type_: Type, wants: str) -> Type:
        """The type of a number that has to be an integer; ``ANY`` where it is not, which is reported."""
        if type_.kinds() != {NUMBER} or all(is_integral(member) for member in type_.members):
            return type_
        certain = not type_.loose and all(
            isinstance(member, Constant) and not is_integral(member) for member in type_.members
        )
        message = f"{self.shown(tree)} {'is' if certain else 'may be'} a number with a fraction: {wants}"
        help = f"write int({self.shown(tree)}), floor(...) or round(...)"
        self.add(Kind.WRONG_TYPE, tree, message, describe(type_), help, certain=certain)
        return ANY


def is_all_of(part: Type, whole: Type) -> bool:
    """Whether a type has no values but those of a part of its members."""
    return not whole.loose and len(part.members) == len(whole.members)
