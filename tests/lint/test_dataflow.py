"""What rules say of expressions in whole flows: nothing where all is right, and which nodes have run before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lint.example_projects import lint_text

_TASKS = """
tasks:
  - {name: LoadOrder, import: nodes, storage: Results, output_schema: {
      type: object, required: [number, total, lines],
      properties: {number: {type: integer}, total: {type: number}, lines: {type: array, items: {type: object}}}}}
  - {name: ReserveItem, import: nodes, storage: Results}
  - {name: Charge, import: nodes, storage: Results}
  - {name: Ship, import: nodes, storage: Results}
  - {name: ReleaseItems, import: nodes, storage: Results}
storages:
  - {name: Results, import: selinon.storages.memory, classname: InMemoryStorage}
"""
_FOUR = """
tasks:
  - {name: A, import: nodes, storage: Results}
  - {name: B, import: nodes, storage: Results}
  - {name: C, import: nodes, storage: Results}
  - {name: D, import: nodes, storage: Results}
storages:
  - {name: Results, import: selinon.storages.memory, classname: InMemoryStorage}
"""
_ORDER = """
global:
  vars: {currency: EUR, free_below: 0.5}
  env: {REGION: {default: eu}}
flow-definitions:
  - name: order
    input_schema: {type: object, required: [number], properties: {number: {type: integer, default: 7}}}
    edges:
      - {from: , to: LoadOrder, args: {number: "${args.number}"}}
      - from: LoadOrder
        to: reserve
        args:
          lines: ${LoadOrder.lines}
      - from: [LoadOrder, reserve]
        to: Charge
        condition: LoadOrder.total > vars.free_below
        args:
          number: ${LoadOrder.number}
          amount: ${LoadOrder.total}
          text: order ${LoadOrder.number} (${env.REGION})
          currency: ${vars.currency}
      - from: Charge
        to: Ship
        args: &ship
          number: ${LoadOrder.number}
          shelves: ${reserve.shelves}
      - from: reserve
        to: Ship
        condition: LoadOrder.total <= vars.free_below
        args: *ship
    failures:
      - nodes: Charge
        fallback: ReleaseItems
        propagate_failure: true
        args: {lines: "${LoadOrder.lines}", because: "${failed.Charge.message}"}
    output:
      parcel: ${Ship.parcel}
  - name: reserve
    input_schema: {type: object, required: [lines], properties: {lines: {type: array, items: {type: object}}}}
    edges:
      - from:
        to: ReserveItem
        foreach: args.lines
    output:
      shelves: ${[one.shelf for one in all.ReserveItem]}
"""
_LOOPS = """
tasks:
  - {name: Guess, import: nodes, storage: Results, output_schema: &value {
      type: object, required: [value, error], properties: {value: {type: number}, error: {type: number}}}}
  - {name: Improve, import: nodes, storage: Results, output_schema: *value}
  - {name: FindShops, import: nodes, storage: Results, output_schema: {type: array, items: {type: string}}}
  - {name: WriteReport, import: nodes, storage: Results}
  - {name: ReadSales, import: nodes, storage: Results, output_schema: {
      type: object, required: [sales], properties: {sales: {type: array}}}}
  - {name: SumSales, import: nodes, storage: Results, output_schema: {type: number}}
storages:
  - {name: Results, import: selinon.storages.memory, classname: InMemoryStorage}
flow-definitions:
  - name: square_root
    input_schema:
      type: object
      properties: {number: {type: number, exclusiveMinimum: 0, default: 2}}
      required: [number]
    edges:
      - {from: , to: Guess, args: {number: "${args.number}"}}
      - {from: Guess, to: Improve, args: {value: "${Guess.value}", number: "${args.number}"}}
      - from: Improve
        to: Improve
        condition: Improve.error > 0.000001
        args: {value: "${Improve.value}", number: "${args.number}"}
    output: ${round(last.Improve.value, 6)}
  - name: nightly
    edges:
      - {from: , to: FindShops}
      - {from: FindShops, to: all_shops, args: {shops: "${FindShops}"}}
      - {from: all_shops, to: WriteReport, args: {sums: "${all_shops}"}}
  - name: all_shops
    input_schema: {type: object, required: [shops], properties: {shops: {type: array, items: {type: string}}}}
    edges:
      - from:
        to: one_shop
        foreach: {in: args.shops, as: shop}
        args: {shop: "${shop}", position: "${index + 1}"}
    output: ${[one for one in all.one_shop if one != null]}
  - name: one_shop
    edges:
      - {from: , to: ReadSales, args: {shop: "${args.shop}"}}
      - from: ReadSales
        to: SumSales
        condition: len(ReadSales.sales) > 0
        args: {sales: "${ReadSales.sales}", shop: "${args.shop}"}
    output: ${default(SumSales, null)}
"""


#: modules that there are not, tasks that a flow does without
_OTHER = ("SEL601", "SEL902", "SEL317")


def _found(text: str, tmp_path: Path) -> list[str]:
    return [f"{d.code} {d.message}" for d in lint_text(text, tmp_path) if d.code not in _OTHER]


@pytest.mark.parametrize("text", [_TASKS + _ORDER, _LOOPS], ids=["order", "loops"])
def test_flows_that_are_right_give_no_finding(text: str, tmp_path: Path) -> None:
    assert _found(text, tmp_path) == []


def _flow(edges: str, rest: str = "") -> str:
    lines = "".join(f"      - {edge}\n" for edge in edges.strip().splitlines())
    return f"{_FOUR}flow-definitions:\n  - name: flow\n    edges:\n{lines}{rest}"


_LACKS = 'SEL435 "{}" may not have run on the way to this edge'


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        # both ways lead past A
        ("{from: , to: A}\n{from: A, to: [B, C]}\n{from: B, to: D}\n{from: C, to: D, args: {a: '${A.x}'}}", []),
        # one way leads past C, the other does not
        (
            "{from: , to: A}\n{from: A, to: C, condition: A.x > 1}\n{from: A, to: B, condition: A.x <= 1}\n"
            "{from: C, to: B}\n{from: B, to: D, args: {a: '${C.x}'}}",
            [_LACKS.format("C")],
        ),
        # the condition of the edge excludes the way without C
        (
            "{from: , to: A}\n{from: A, to: C, condition: A.x > 1}\n{from: A, to: B, condition: A.x <= 1}\n"
            "{from: C, to: B}\n{from: B, to: D, condition: A.x > 1, args: {a: '${C.x}'}}",
            [],
        ),
        # asked before
        (
            "{from: , to: A}\n{from: A, to: [B, C]}\n{from: C, to: B}\n"
            "{from: B, to: D, condition: has(C), args: {a: '${C.x}'}}",
            [],
        ),
        # the last draft, and the outline before the loop
        (
            "{from: , to: A}\n{from: A, to: B}\n{from: B, to: C}\n{from: C, to: B, condition: not C.ok}\n"
            "{from: C, to: D, condition: C.ok, args: {draft: '${B.x}', outline: '${A.x}'}}",
            [],
        ),
        # on no way
        ("{from: , to: [A, B]}\n{from: B, to: C, args: '${A}'}", ['SEL441 "A" never runs before this edge']),
        ("{from: , to: A, args: {a: '${B.x}'}}\n{from: A, to: B}", ['SEL441 "B" never runs before this edge']),
        ("{from: , to: A}\n{from: A, to: B, args: {a: '${D.x}'}}", ['SEL441 "D" never runs in this flow']),
        # behind a node that nothing starts, which is the mistake
        (
            "{from: , to: A}\n{from: B, to: C, args: {a: '${A.x}'}}\n{from: C, to: D, args: {a: '${A.x}'}}",
            ['SEL302 task "B" is waited for, but nothing in the flow starts it'],
        ),
        (
            "{from: , to: A}\n{from: Bee, to: C, args: {a: '${A.x}'}}",
            ['SEL201 unknown node "Bee"'],
        ),
        # a join of two ways that come from different runs of A
        (
            "{from: , to: [A, A]}\n{from: A, to: [B, C]}\n{from: [B, C], to: D, args: {a: '${A.x}'}}",
            ['SEL440 several runs of "A" may lie on the way to this edge'],
        ),
        ("{from: , to: [A, A]}\n{from: A, to: [B, C]}\n{from: [A, B, C], to: D, args: {a: '${A.x}'}}", []),
        ("{from: , to: [A, A]}\n{from: A, to: B}\n{from: B, to: D, args: {a: '${A.x}'}}", []),
    ],
)  # fmt: skip
def test_which_nodes_have_run_before(edges: str, found: list[str], tmp_path: Path) -> None:
    assert _found(_flow(edges), tmp_path) == found


@pytest.mark.parametrize(
    ("edges", "output", "found"),
    [
        ("{from: , to: A}", "A.x", []),
        ("{from: , to: A}\n{from: A, to: B, condition: A.x > 1}", "B.x", ['SEL435 "B" may not have run']),
        ("{from: , to: A}\n{from: A, to: B, condition: A.x > 1}", "default(B.x, 1)", []),
        (
            "{from: , to: A}\n{from: A, to: B, condition: A.x > 1}\n{from: A, to: C, condition: A.x <= 1}\n"
            "{from: B, to: D}\n{from: C, to: D}",
            "D.x",
            [],
        ),
        (
            "{from: , to: A}\n{from: A, to: [B, C]}\n{from: B, to: D}\n{from: C, to: D}",
            "D.x",
            ['SEL447 "D" may have several runs'],
        ),
        ("{from: , to: [A, A]}", "A.x", ['SEL447 "A" has several runs']),
        ("{from: , to: [A, A]}", "[one.x for one in all.A] + [last.A.x]", []),
        (
            "{from: , to: A}\n{from: A, to: B}\n"
            "{from: B, to: A, condition: not B.ok}\n{from: B, to: C, condition: B.ok}",
            "C.x",
            ['SEL447 "C" may have several runs'],
        ),
        ("{from: , to: A}", "item", ['SEL439 "item" is the item of a foreach, and there is none here']),
    ],
)  # fmt: skip
def test_which_nodes_have_run_at_the_end(edges: str, output: str, found: list[str], tmp_path: Path) -> None:
    text = _flow(edges, f"    output: {{x: '${{{output}}}'}}\n")
    assert [line for line in _found(text, tmp_path) if "SEL434" not in line] == found


def test_behind_a_fallback_the_failed_node_has_no_result(tmp_path: Path) -> None:
    args = "{a: '${A.x}', b: '${B.x}', c: '${failed.B.type}'}"
    edges = f"{{from: , to: A}}\n{{from: A, to: B}}\n{{from: C, to: D, args: {args}}}"
    text = _flow(
        edges, "    failures:\n      - {nodes: B, fallback: C, args: {m: '${failed.B.messsage}', a: '${A.x}'}}\n"
    )
    assert sorted(_found(text, tmp_path)) == [
        'SEL433 "messsage" is not in the schema of failed.B',
        'SEL435 "B" may not have failed on the way to this edge',
        'SEL441 "B" has failed before and has no result here',
    ]


_NEEDS_A_KEY = """
  - {name: Load, import: nodes, storage: Results, output_schema: {
      type: object, required: [old, open, mixed], properties: {
        old: {type: boolean},
        open: {type: object, properties: {b: {type: string}}},
        mixed: {type: array, prefixItems: [{type: string}], items: {type: integer}},
        either: {anyOf: [{type: object, required: [a], properties: {a: {type: string}}}, {type: "null"}]}}}}
  - {name: Take, import: nodes, storage: Results, input_schema: {
      type: object, properties: {
        one: {type: object, required: [a], properties: {a: {type: string}}},
        texts: {type: array, items: {type: string}}}}}
"""


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ("{one: \"${{'a': 'x'} if Load.old else {'a': 'y', 'b': 1}}\"}", []),
        ("{one: \"${{'b': 1} if Load.old else {}}\"}", ['"one.a" is missing in the arguments of "Take"']),
        ("{one: \"${{'a': 'x'} if Load.old else {}}\"}", ['"one.a" may be missing in the arguments of "Take"']),
        ("{one: \"${{**({'b': 1} if Load.old else {})}}\"}", ['"one.a" is missing in the arguments of "Take"']),
        (
            "{one: \"${{'a': 1} if Load.old else {'a': 'x'}}\"}",
            ['the argument "one.a" of "Take" may be 1, not a text'],
        ),
        ('{one: "${Load.open}"}', ['"one.a" may be missing in the arguments of "Take"']),
        ("{one: \"${{**Load.open, 'b': 1}}\"}", ['"one.a" may be missing in the arguments of "Take"']),
        ('{texts: "${Load.mixed}"}', ['the argument "texts[1]" of "Take" is an integer, not a text']),
        ("{texts: \"${['x', 'y']}\"}", []),
    ],
)
def test_each_shape_that_is_given_has_to_fit(args: str, found: list[str], tmp_path: Path) -> None:
    flow = f"""
flow-definitions:
  - name: f
    edges:
      - {{from: , to: Load}}
      - from: Load
        to: Take
        args: {args}
"""
    tasks, storages = _FOUR.split("storages:")
    text = tasks.split("  - ")[0] + _NEEDS_A_KEY.lstrip("\n") + "storages:" + storages + flow
    assert _found(text, tmp_path) == [f"SEL443 {message}" for message in found]


def test_each_expression_is_parsed_and_checked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where a schema says what the node takes, and where edges are compared with each other."""
    from selinon_core.config.schema import expressions as reading
    from selinon_core.expressions import names as used
    from selinon_core.lint.analysis.dataflow import findings

    seen: dict[str, list[str]] = {"parse": [], "check": [], "names": []}
    parse, check, names_used = reading.parse, findings.check, used.names_used

    def counted_parse(text: str) -> Any:
        seen["parse"].append(text)
        return parse(text)

    def counted_check(tree: Any, text: str, *rest: Any) -> Any:
        seen["check"].append(text)
        return check(tree, text, *rest)

    def counted_names(tree: Any, *rest: Any) -> Any:
        seen["names"].append(str(tree))
        return names_used(tree, *rest)

    reading._parsed.cache_clear()
    monkeypatch.setattr(reading, "parse", counted_parse)
    monkeypatch.setattr(findings, "check", counted_check)
    monkeypatch.setattr(used, "names_used", counted_names)
    flow = """
flow-definitions:
  - name: once
    input_schema: {type: object, required: [big], properties: {big: {type: boolean}}}
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: args.big}
      - {from: A, to: C, condition: not args.big and A.total > 3}
      - {from: B, to: inner, args: {number: "${A.number}"}}
      - {from: [C, inner], to: D}
  - name: inner
    input_schema: {type: object, properties: {number: {type: integer}}}
    edges: [{from: , to: A}]
"""
    lint_text(_FOUR + flow, tmp_path)
    assert sorted(seen["parse"]) == ["A.number", "args.big", "not args.big and A.total > 3"]
    assert seen["check"] == ["A.number"]
    assert len(seen["names"]) == len(set(seen["names"])) > 0


_SUB = """  - name: sub
    input_schema: {type: object, properties: {number: {type: integer}}, required: [number]}
    edges: [{from: , to: A}]
"""


@pytest.mark.parametrize("args", ["args: null", "args: ~"])
def test_null_is_no_args(args: str, tmp_path: Path) -> None:
    flow = _flow("{from: , to: sub, " + args + "}", _SUB)
    assert _found(flow, tmp_path) == ['SEL443 "number" is missing in the arguments of "sub"']


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("{name: A, import: nodes, storage: Results}", "{name: A, import: nodes, storage: null}", "SEL445"),
        ("    edges: [{from: , to: A}]\n", "    edges: [{from: , to: A}]\n    output: null\n", "SEL442"),
    ],
)
def test_null_counts_as_not_given_for_what_is_read(old: str, new: str, found: str, tmp_path: Path) -> None:
    text = _flow(
        "{from: , to: A}\n{from: A, to: sub, args: {number: 1}}\n{from: [A, sub], to: B, args: ['${A}', '${sub}']}"
    )
    text = (text + _SUB).replace(old, new)
    assert found in [one.split()[0] for one in _found(text, tmp_path)]
