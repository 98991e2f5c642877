"""Values worth trying at the places of a result that predicates look at.

A predicate on a field contributes its constant, values beside it, a value of another type, and a missing field.
Where a schema may refuse the value itself, a candidate also has a constraint: a JSON Schema of its kind of value.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from selinon_core.plan import Leaf
from selinon_core.predicates.values import MISSING

#: The keys and indexes that lead to a value inside a result; () is the result itself.
Path = tuple[str | int, ...]
_MANY = 50  # elements: a longer list is not built
_MOST_KEYS = 3  # of which every selection is tried
_TYPES: dict[str, tuple[str, Any]] = {
    "bool": ("boolean", True),
    "int": ("integer", 1),
    "float": ("number", 0.5),
    "str": ("string", "x"),
    "list": ("array", []),
    "dict": ("object", {}),
}


class Candidate(NamedTuple):
    """A value, ``MISSING`` for a field that is not there, and a schema for others of its kind or None."""

    value: Any
    constraint: Any = None


def path_of(leaf: Leaf) -> Path | None:
    """The place a leaf looks at; None when its key can lead nowhere."""
    if "key" not in leaf.args:
        return ()
    key = leaf.args["key"]
    steps = key if isinstance(key, list) else [key]
    return tuple(steps) if all(type(step) in (str, int) for step in steps) else None


def candidates_at(path: Path, leaves: list[Leaf]) -> list[Candidate]:
    """The values to try where all of ``leaves`` look, without repetitions, the simplest first."""
    found: list[Candidate] = []
    numbers: list[int | float] = []
    for leaf in leaves:
        name = _plain_name(leaf)
        if _is_number(leaf.args.get("value")):
            numbers.append(leaf.args["value"])
        found += _of_leaf(name, leaf)
    found += _of_numbers(numbers)
    found += _of_urls(leaves)
    if path:
        found.append(Candidate(MISSING))
    return _distinct(found)


def _plain_name(leaf: Leaf) -> str:
    name = leaf.function.name
    if name.startswith("args"):
        name = name[4].lower() + name[5:]
    return name


def _of_leaf(name: str, leaf: Leaf) -> list[Candidate]:
    if name == "empty":
        filled = {"minItems": 1, "minLength": 1, "minProperties": 1}
        return [Candidate(["x"], filled), *map(Candidate, ([], None, {"x": 1}, {}, "x", "", 0))]
    if name in ("isNone", "fieldNone"):
        return [Candidate(None), Candidate("x", {"not": {"type": "null"}}), Candidate({})]
    if name == "fieldExist":
        return [Candidate("x", True), Candidate(None)]
    for suffix, (kind, value) in _TYPES.items():
        if name in (f"is{suffix.title()}", f"field{suffix.title()}"):
            others = [Candidate(other) for _, other in _TYPES.values() if other != value]
            same = [Candidate(False)] if value is True else []  # equal to 0, as True is to 1
            return [Candidate(value, {"type": kind}), *same, *others, Candidate(None)]
    if name.startswith("fieldLen"):
        return _of_length(leaf.args.get("length"))
    if name == "fieldContain":
        return _of_content(leaf.args.get("value"))
    if name.startswith("fieldUrl"):
        return [Candidate("x", {"type": "string"}), Candidate(0)]
    if "value" in leaf.args:
        return _of_constant(leaf.args["value"])
    return [Candidate(None)]


def _of_constant(value: Any) -> list[Candidate]:
    """The constant, another value of its type, one of another type."""
    other_type = Candidate("x") if not isinstance(value, str) else Candidate(0)
    found = [Candidate(value, {"const": value})]
    if isinstance(value, bool):
        found.append(Candidate(not value))
    elif isinstance(value, str):
        found += [Candidate(value + "x"), Candidate("")]
    elif isinstance(value, list):
        found += [Candidate([*value, "x"]), Candidate([])]
    elif isinstance(value, dict):
        found += [Candidate({**value, "x": 1}), Candidate({})]
    return [*found, Candidate(None, {"not": {"const": value}}), other_type]


def _of_numbers(constants: list[int | float]) -> list[Candidate]:
    """The constants, a number beside and between each two, and 0."""
    if not constants:
        return []
    ordered = sorted(set(constants))
    found = [Candidate(number) for number in ordered]
    for number in ordered:
        found += [Candidate(number + 1), Candidate(number - 1)]
    for low, high in pairwise(ordered):
        found.append(Candidate((low + high) / 2, {"exclusiveMinimum": low, "exclusiveMaximum": high}))
    found.append(Candidate(ordered[-1] + 1, {"exclusiveMinimum": ordered[-1]}))
    found.append(Candidate(ordered[0] - 1, {"exclusiveMaximum": ordered[0]}))
    found.append(Candidate(0))
    return found


def _of_length(length: Any) -> list[Candidate]:
    if not _is_number(length):
        return [Candidate([]), Candidate(0)]
    whole = int(length)
    found = []
    for wanted in (whole, whole + 1, whole - 1):
        if not 0 <= wanted <= _MANY:
            continue
        lengths = {
            f"{bound}{what}": wanted for bound in ("min", "max") for what in ("Items", "Length", "Properties")
        }
        found += [
            Candidate(["x"] * wanted, lengths),
            Candidate("x" * wanted),
            Candidate({f"x{number}": 1 for number in range(wanted)}),
        ]
    return [*found, Candidate(0)]


def of_lengths_with(keys: Sequence[str], leaves: list[Leaf]) -> list[Candidate]:
    """Objects of the lengths that ``leaves`` ask for, with each selection of ``keys`` among theirs.

    Other places look at these keys: a value that is put into one of them later does not change the length then.
    """
    found: list[Candidate] = []
    keys = keys[:_MOST_KEYS]
    for leaf in leaves:
        length: Any = leaf.args.get("length")
        if not _plain_name(leaf).startswith("fieldLen") or not _is_number(length):
            continue
        for wanted in (int(length), int(length) + 1, int(length) - 1):
            for count in range(1, min(len(keys), wanted) + 1) if wanted <= _MANY else ():
                for there in combinations(keys, count):
                    others = (f"x{number}" for number in range(wanted - count))
                    found.append(Candidate(dict.fromkeys([*there, *others], 1)))
    return _distinct(found)


def _of_content(value: Any) -> list[Candidate]:
    found = [Candidate([value], {"type": "array", "contains": {"const": value}}), Candidate([])]
    if isinstance(value, str):
        found += [Candidate(value), Candidate(""), Candidate({value: 1})]
        found += [Candidate({}, {"type": "object", "required": [value]})]
    found.append(Candidate([], {"not": {"contains": {"const": value}}}))
    return [*found, Candidate(0)]


def _of_urls(leaves: list[Leaf]) -> list[Candidate]:
    """URLs of every mixture of the schemes, net locations and paths that are asked for, and of others."""
    parts: dict[str, list[str]] = {"scheme": [], "netloc": [], "path": []}
    for leaf in leaves:
        for part, wanted in parts.items():
            if leaf.function.name.endswith(f"Url{part.title()}") and isinstance(leaf.args.get(part), str):
                wanted.append(leaf.args[part])
    if not any(parts.values()):
        return []
    return [
        Candidate(f"{scheme}://{netloc}{path}")
        for scheme in [*parts["scheme"], "http", "other"]
        for netloc in [*parts["netloc"], "example.com"]
        for path in [*parts["path"], "/other"]
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _distinct(candidates: list[Candidate]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        found.setdefault(repr(candidate), candidate)
    return list(found.values())
