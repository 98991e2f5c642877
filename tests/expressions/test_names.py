"""Which names an expression uses, and which paths it reads; the variables of ``for`` are none of them."""

from __future__ import annotations

from selinon_core.expressions.names import names_used, paths_used
from selinon_core.expressions.parser import parse


def test_names_are_of_a_kind_and_have_a_place() -> None:
    text = 'LoadOrder.total > vars.free and args.x in all["A"] or results.args[index] == env or shop.y'
    found = [(use.kind, use.name, text[use.start : use.end]) for use in names_used(parse(text).tree, "shop")]
    assert found == [
        ("node", "LoadOrder", "LoadOrder"),
        ("vars", "free", "vars.free"),
        ("args", "args", "args"),
        ("all", "A", 'all["A"]'),
        ("node", "args", "results.args"),
        ("index", "index", "index"),
        ("env", "", "env"),
        ("item", "shop", "shop"),
    ]


def test_variables_are_not_names_inside_of_their_for_only() -> None:
    text = "[x.a + y for x in x.items if x.b] + x"
    assert [use.start for use in names_used(parse(text).tree)] == [7, 18, 36]


def test_paths_have_their_keys() -> None:
    text = "LoadOrder.lines[0]['a b'][args.key].price + [f(B).c][0]"
    tree, faults = parse(text)
    assert not faults
    assert [(path.text, path.keys) for path in paths_used(tree)] == [
        ('LoadOrder.lines[0]["a b"][args.key].price', ("lines", 0, "a b", None, "price")),
        ("args.key", ("key",)),
        ("B", ()),
    ]
