"""Expressions that mostly have a value, and the values of their names: what types allow, with some of the rest."""

from __future__ import annotations

import re
from random import Random
from typing import Any

#: What an order has when nothing is missing and nothing is of another type.
ORDER: dict[str, Any] = {
    "total": 120,
    "price": 9.5,
    "big": 2**63 - 1,
    "state": "open",
    "digits": "-42",
    "open": True,
    "customer": None,
    "tags": ["new", "Big ", "new", "a,b"],
    "numbers": [3, 1.0, -2, 1],
    "truths": [True, False],
    "lines": [{"price": 3, "item": "tea", "gift": True}, {"price": 9, "item": "pot", "gift": False}],
    "rates": {"EUR": 1, "USD": 1.5},
}
#: Paths by the type that they have in that order.
PATHS = {
    "number": (
        "LoadOrder.total",
        "LoadOrder.price",
        "LoadOrder.big",
        "index",
        "vars.limit",
        "LoadOrder.lines[0].price",
    ),
    "text": ("LoadOrder.state", "args.name", "LoadOrder.tags[1]", "env.REGION", "LoadOrder.digits"),
    "boolean": ("LoadOrder.open", "args.dry_run", "LoadOrder.truths[0]", "results.LoadOrder.open"),
    "list": ("LoadOrder.tags", "LoadOrder.numbers", "LoadOrder.lines", "LoadOrder.truths", "all.Reserve"),
    "object": ("LoadOrder", "LoadOrder.rates", "args", "item", "LoadOrder.lines[-1]"),
    "null": (
        "LoadOrder.customer",
        "LoadOrder.customer.name",
        "Other.total",
        "LoadOrder.none",
        "LoadOrder.tags[9]",
    ),
}
KINDS = (*PATHS,)
#: Patterns by type, one a line; a word in brackets ``<>`` is a part of that type.
PATTERNS = {
    kind: tuple(line.strip() for line in lines.strip().splitlines())
    for kind, lines in {
        "number": """
            0
            1
            2.5
            7
            1e3
            -<number>
            (<number> + <number>)
            <number> - <number>
            <number> * <number>
            <number> / <number>
            (<number> // <number>)
            <number> % <number>
            len(<list>)
            len(<text>)
            len(<object>)
            sum(<numbers>)
            sum(one.price for one in LoadOrder.lines)
            abs(<number>)
            round(<number>)
            round(<number>, 1)
            round(<number>, -1)
            floor(<number>)
            int(<number>)
            int(<text>)
            float(<text>)
            float(<number>)
            min(<numbers>)
            max(<number>, <number>)
            min(x for x in <numbers> if x != <number>)
            count(<booleans>)
            count(x > <number> for x in <numbers>)
            <numbers>[<number>]
        """,
        "text": """
            "a"
            'B c'
            ""
            "12"
            "-3.5"
            "é\\n"
            (<text> + <text>)
            text(<number>)
            text(<boolean>)
            lower(<text>)
            upper(<text>)
            strip(<text>)
            join(<texts>, ", ")
            replace(<text>, "a", <text>)
            replace(<text>, <text>, <text>)
            max(<texts>)
            <texts>[0]
        """,
        "boolean": """
            true
            false
            <number> > <number>
            <number> == <number>
            <number> <= <number> < <number>
            <any> == <any>
            <any> != <any>
            <text> < <text>
            <text> in <text>
            <any> in <list>
            <text> in <object>
            <any> not in <list>
            <boolean> and <boolean>
            <boolean> or <boolean>
            not <boolean>
            (<boolean> or <boolean>) == <boolean>
            any(<booleans>)
            all(<booleans>)
            any(x == <any> for x in <list>)
            all(x.price > <number> for x in LoadOrder.lines)
            startswith(<text>, <text>)
            endswith(<text>, <text>)
            has(<path>)
            has(LoadOrder[<text>])
            has(<list>[<number>])
        """,
        "list": """
            []
            [<any>]
            [<any>, <any>, <any>]
            <texts>
            <numbers>
            <booleans>
            sorted(<numbers>)
            sorted(<texts>)
            unique(<list>)
            keys(<object>)
            values(<object>)
            items(<object>)
            split(<text>)
            split(<text>, ",")
            flatten([<list>, <list>])
            [x for x in <list> if x != <any>]
            [[y, x] for x in <list>]
            [<any> for y in <list>]
            [y for y in [x for x in <list>]]
        """,
        "numbers": """
            LoadOrder.numbers
            [<number>, <number>]
            [x.price for x in LoadOrder.lines]
            [len(x) for x in <texts>]
            [x + <number> for x in <numbers>]
            values(LoadOrder.rates)
            all.Reserve
        """,
        "texts": """
            LoadOrder.tags
            [<text>, <text>]
            [x.item for x in LoadOrder.lines]
            [x.key for x in items(<object>)]
            [upper(x) for x in <texts>]
            keys(<object>)
            split(<text>, "n")
        """,
        "booleans": """
            LoadOrder.truths
            [<boolean>, <boolean>]
            [x.gift for x in LoadOrder.lines]
            [x > 1 for x in <numbers>]
        """,
        "object": """
            {}
            {"a": <any>}
            {"a": <any>, **<object>}
            {**<object>, "total": <any>}
            LoadOrder.lines[0]
            items(<object>)[0]
        """,
        "null": "null",
        "path": """
            LoadOrder.total
            LoadOrder.none
            LoadOrder.customer.name
            LoadOrder.state.x
            LoadOrder.tags.x
            LoadOrder.total[0]
            LoadOrder.lines[<number>].price
            LoadOrder[<text>]
            Other
            Other.total
            vars.nothing
            failed.Charge.message
            args.name
            item[<text>].b
            x
            x.price
            <list>[0]
            <object>.a
        """,
    }.items()
}
_PART = re.compile("<([a-z]+)>")
#: What may stand for a part of a type.
FITTING = {"numbers": "list", "texts": "list", "booleans": "list"}


def expression(chance: Random, kind: str = "any", depth: int = 3) -> str:
    """The text of an expression, mostly of a type; a part of another type stands in it now and then."""
    if kind == "any" or (kind != "path" and chance.random() < 0.04):
        kind = chance.choice(KINDS)
    base = FITTING.get(kind, kind)
    if base in PATHS and chance.random() < (0.25 if depth > 0 else 0.7):
        return chance.choice(PATHS[base])
    if depth > 0 and chance.random() < 0.12 and kind != "path":
        return chance.choice(
            (
                f"default({expression(chance, 'path', depth - 1)}, {expression(chance, kind, depth - 1)})",
                f"({expression(chance, kind, depth - 1)} if {expression(chance, 'boolean', depth - 1)}"
                f" else {expression(chance, kind, depth - 1)})",
            )
        )
    patterns = PATTERNS[kind]
    if depth <= 0:
        patterns = tuple(pattern for pattern in patterns if not _PART.search(pattern)) or patterns
    return _PART.sub(lambda found: _closed(expression(chance, found[1], depth - 1)), chance.choice(patterns))


def _closed(text: str) -> str:
    """The text in parentheses, unless nothing beside it can bind to a part of it."""
    if text[0].isdigit():  # a point behind it would belong to the number
        return f"({text})"
    level = 0
    for character in re.sub(r"'[^']*'|\"[^\"]*\"", "", text):
        level += (character in "([{") - (character in ")]}")
        if not level and character in " -":
            return f"({text})"
    return text


#: Values of each type, for parts of an order that are not what they should be.
ODD: tuple[Any, ...] = (
    *(None, True, 0, 1, -7, 2.0, 0.1, 2**63, -(2**64), "", "open", "12"),
    *([], ["a", 1], [[1], [1.0]], {}, {"a": 1}),
)


def values(chance: Random) -> dict[str, Any]:
    """The values of the names: a good order most of the time, one with a few odd or missing parts otherwise."""
    order = dict(ORDER)
    for _ in range(chance.choice((0, 0, 1, 3))):
        key = chance.choice(list(order))
        if chance.random() < 0.4:
            del order[key]
        else:
            order[key] = chance.choice(ODD)
        order.setdefault("total", 5)
    return {
        "LoadOrder": order,
        "args": {"dry_run": False, "name": "Ada"},
        "item": {"price": 3, "item": "tea"},
        "index": chance.choice((0, 1, 2)),
        "vars": {"limit": 100},
        "env": {"REGION": "eu"},
        "failed": {"Charge": {"type": "OSError", "message": "no", "attempts": 3}},
        "all": {"Reserve": [1, 2]},
    }
