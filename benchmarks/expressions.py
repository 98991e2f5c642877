"""What expressions cost: reading, binding, and evaluating them on small and large results, beside Python's own.

    python benchmarks/expressions.py [--rounds 9] [--quick] [--json FILE]

The peer is the same condition written in Python and compiled by it, which checks no types, counts no steps and
has no places; and, for one condition, the shipped predicates. Times are CPU times of this process, medians of the
rounds. Peers that are not installed are left out (`pip install jmespath simpleeval`).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from selinon_core.expressions.evaluate import bind
from selinon_core.expressions.parser import parse
from selinon_core.expressions.values import Json
from selinon_core.predicates import argsFieldEqual, fieldGreater

CONDITION = "LoadOrder.total > 100 and not args.dry_run"
#: Expression, and the same in Python.
CASES = (
    (CONDITION, "LoadOrder['total'] > 100 and not args['dry_run']"),
    ("LoadOrder.state == 'open'", "LoadOrder['state'] == 'open'"),
    ("has(LoadOrder.note)", "'note' in LoadOrder"),
    ("default(LoadOrder.note.text, '')", "(LoadOrder.get('note') or {}).get('text', '')"),
    (
        "any(one.price > 1000000 for one in LoadOrder.lines)",
        "any(one['price'] > 1000000 for one in LoadOrder['lines'])",
    ),
    ("sum(one.price * 2 for one in LoadOrder.lines)", "sum(one['price'] * 2 for one in LoadOrder['lines'])"),
    (
        "[one.price for one in LoadOrder.lines if one.price > 6]",
        "[one['price'] for one in LoadOrder['lines'] if one['price'] > 6]",
    ),
)


class Names:
    """Results that are at hand."""

    def __init__(self, values: dict[str, Json]) -> None:
        self.values = values

    def value(self, kind: str, name: str) -> Json:
        return self.values[name]


class Row(NamedTuple):
    """One line of the table: what, and microseconds of it and of its peer."""

    what: str
    lines: int
    microseconds: float
    peer: str
    peer_microseconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    rows = measure(1 if options.quick else options.rounds, 0.001 if options.quick else 0.05)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}")
    print("| what | lines of the order | us | peer | us of the peer | ratio |")
    print("| --- | ---: | ---: | --- | ---: | ---: |")
    for row in rows:
        ratio = row.microseconds / row.peer_microseconds
        figures = f"{row.microseconds:.2f} | {row.peer} | {row.peer_microseconds:.2f} | {ratio:.1f}"
        print(f"| `{row.what}` | {row.lines} | {figures} |")
    if options.json:
        options.json.write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n")


def measure(rounds: int, seconds: float) -> list[Row]:
    """All rows; each figure is the median of the rounds, which take about that many seconds each."""

    def microseconds(work: Callable[[], object]) -> float:
        return median_microseconds(work, rounds, seconds)

    tree = parse(CONDITION).tree
    python = microseconds(lambda: ast.parse(CONDITION, mode="eval"))
    compiled = microseconds(lambda: compile(CONDITION, "", "eval"))
    rows = [
        Row("reading", 0, microseconds(lambda: parse(CONDITION)), "ast.parse", python),
        Row("binding", 0, microseconds(lambda: bind(tree)), "compile, from text", compiled),
    ]
    for lines in (1, 1000):
        values = order(lines)
        for text, written in CASES:
            rows.append(evaluating(text, written, values, lines, microseconds))
        rows.extend(peers(values, lines, microseconds))
    return rows


def order(lines: int) -> dict[str, Any]:
    """The values of the names: a result with that many lines."""
    made = {"total": 150, "state": "open", "lines": [{"item": f"i{n}", "price": n} for n in range(lines)]}
    return {"LoadOrder": made, "args": {"dry_run": False}}


def evaluating(
    text: str,
    written: str,
    values: dict[str, Any],
    lines: int,
    microseconds: Callable[[Callable[[], object]], float],
) -> Row:
    """An expression and the same in Python, which have to give the same."""
    bound, scope = bind(parse(text).tree), Names(values)
    compiled = compile(written, "", "eval")
    assert bound(scope) == eval(compiled, dict(values))
    peer = microseconds(lambda: eval(compiled, values))
    return Row(text, lines, microseconds(lambda: bound(scope)), "Python, compiled", peer)


def peers(values: dict[str, Any], lines: int, microseconds: Callable[[Callable[[], object]], float]) -> list[Row]:
    """The condition beside what else can decide it."""
    bound, scope = bind(parse(CONDITION).tree), Names(values)
    ours = microseconds(lambda: bound(scope))
    message, args = values["LoadOrder"], values["args"]

    def predicates() -> bool:
        return fieldGreater(message, "total", 100) and not argsFieldEqual(args, "dry_run", True)

    assert predicates()
    rows = [Row(CONDITION, lines, ours, "two predicates, called", microseconds(predicates))]
    if find_spec("jmespath") is not None:
        import jmespath

        path = jmespath.compile("LoadOrder.total > `100` && args.dry_run == `false`")
        rows.append(Row(CONDITION, lines, ours, "jmespath", microseconds(lambda: path.search(values))))
    if find_spec("simpleeval") is not None:
        import simpleeval

        simple = simpleeval.EvalWithCompoundTypes(names=values)
        read = simple.parse(CONDITION)
        rows.append(Row(CONDITION, lines, ours, "simpleeval", microseconds(lambda: simple.eval(CONDITION, read))))
    return rows


def median_microseconds(work: Callable[[], object], rounds: int, seconds: float) -> float:
    """The median of the rounds; a round repeats the work until it takes about that many seconds."""
    repeats = 1
    while (taken := cpu_seconds(work, repeats)) < seconds / 5:
        repeats *= 4
    repeats = max(1, int(repeats * seconds / max(taken, 1e-9)))
    return statistics.median(cpu_seconds(work, repeats) / repeats for _ in range(rounds)) * 1e6


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    began = time.process_time()
    for _ in range(repeats):
        work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
