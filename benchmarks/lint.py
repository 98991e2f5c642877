"""What linting costs as projects grow: whole projects through ``lint_project``, in a fresh process each.

    python benchmarks/lint.py [--rounds 5] [--quick] [--json FILE]

A project of n tasks and n edges in 50 flows with conditions, joins and sub-flows. Timed in the process,
from paths to diagnostics with every rule, imports of the linter included the first time (a lint runs once).

Then what 1,000 expressions cost: CPU seconds of a project with expressions and schemas, and of the same project
without them. Both are linted in turns; the lowest of all rounds counts.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SIZES, QUICK_SIZES = (100, 1000, 5000, 20_000), (100, 200)
#: Seconds that the sizes named in the project's targets may take.
TARGETS = {1000: 0.25, 5000: 1.2}
#: Flows of the project with expressions; each has ``EXPRESSIONS_OF_A_FLOW``.
EXPRESSION_FLOWS, QUICK_EXPRESSION_FLOWS = 50, 2
EXPRESSIONS_OF_A_FLOW = 20
#: CPU seconds that 1,000 expressions may add.
EXPRESSIONS_TARGET = 0.04

CHILD = """
import json, sys, time
began, cpu_began = time.perf_counter(), time.process_time()
from selinon_core.project import lint_project
project = lint_project([sys.argv[1]])
taken, cpu = time.perf_counter() - began, time.process_time() - cpu_began
errors = [d.message for d in project.diagnostics if d.severity.value == "error"]
print(json.dumps({"seconds": taken, "cpu": cpu, "errors": errors[:3], "diagnostics": len(project.diagnostics)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    seconds = measure_all(QUICK_SIZES, 1) if options.quick else measure_all(SIZES, options.rounds)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}")
    print("| tasks + edges | seconds | target | us per task and edge |\n| --- | --- | --- | --- |")
    for size, taken in seconds.items():
        print(f"| {size} + {size} | {taken:.3f} | {TARGETS.get(size, '')} | {taken / size * 1e6:.0f} |")
    small, large = sorted(seconds)[-3:][0], max(seconds)
    exponent = math.log(seconds[large] / seconds[small]) / math.log(large / small)
    print(f"growth exponent from {small} to {large}: {exponent:.3f}")
    flows = QUICK_EXPRESSION_FLOWS if options.quick else EXPRESSION_FLOWS
    without, with_them = measure_expressions(flows, 1 if options.quick else 2 * options.rounds)
    added, number = with_them - without, flows * EXPRESSIONS_OF_A_FLOW
    print("| expressions | CPU seconds without | with | added | target | us per expression |")
    print("| --- | --- | --- | --- | --- | --- |")
    target = "" if options.quick else EXPRESSIONS_TARGET
    figures = f"{without:.3f} | {with_them:.3f} | {added:.3f} | {target} | {added / number * 1e6:.0f}"
    print(f"| {number:,} | {figures} |")
    if options.json:
        kept = {"seconds": seconds, "exponent": exponent, "expressions": {"without": without, "with": with_them}}
        options.json.write_text(json.dumps(kept, indent=1) + "\n")


def measure_all(sizes: tuple[int, ...], rounds: int) -> dict[int, float]:
    """Size -> median seconds over the rounds, after one to warm up the bytecode and file caches."""
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as place:
        for size in sizes:
            write_project(Path(place) / str(size), size)
        for number in range(rounds + 1):
            for size in sizes:
                seconds, _ = lint(Path(place) / str(size))
                if number:
                    taken[size].append(seconds)
    return {size: statistics.median(all_) for size, all_ in taken.items()}


def measure_expressions(flows: int, rounds: int) -> tuple[float, float]:
    """CPU seconds without and with expressions, the lowest of the rounds, after one to warm up."""
    taken: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as place:
        for has_expressions in taken:
            write_expression_project(Path(place) / str(has_expressions), flows, has_expressions)
        for number in range(rounds + 1):
            for has_expressions, all_ in taken.items():
                _, cpu = lint(Path(place) / str(has_expressions))
                if number:
                    all_.append(cpu)
    return min(taken[False]), min(taken[True])


def lint(directory: Path) -> tuple[float, float]:
    """Seconds and CPU seconds that a fresh process takes to lint a project."""
    # The bytecode of the warm-up is used: a process without it compiles all that it imports.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", CHILD, str(directory)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=directory)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    answer = json.loads(ran.stdout)
    if answer["errors"]:
        raise SystemExit(f"the generated project has errors: {answer['errors']}")
    return float(answer["seconds"]), float(answer["cpu"])


def write_project(directory: Path, size: int, flows: int = 50) -> None:
    """``size`` tasks and as many edges: chains with conditions and joins of two; each flow starts the next."""
    (directory / "flows").mkdir(parents=True)
    (directory / "pyproject.toml").write_text("")
    (directory / "work.py").write_text(
        "from selinon import SelinonTask\n\n\n"
        "class Work(SelinonTask):\n    def run(self, node_args):\n        return 1\n"
    )
    declared = "  - name: T{}\n    import: work\n    classname: Work\n    storage: Memory"
    nodes = ["tasks:", *(declared.format(number) for number in range(size))]
    nodes.append(
        "storages:\n  - name: Memory\n    import: selinon_core.storages.memory\n    classname: InMemoryStorage"
    )
    (directory / "nodes.yaml").write_text("\n".join(nodes) + "\n")
    per_flow = size // flows
    for flow in range(flows):
        first = flow * per_flow
        edges = [f"      - from:\n        to: T{first}"]
        for number in range(first + 1, first + per_flow):
            if number % 5 == 0 and number - 2 >= first:
                source = f"[T{number - 1}, T{number - 2}]"
            else:
                source = f"T{number - 1}"
            edge = f"      - from: {source}\n        to: T{number}"
            if number % 3 == 0:
                node = f"T{number - 1}"
                edge += (
                    "\n        condition:\n          or:"
                    f"\n            - name: fieldEqual\n              node: {node}"
                    "\n              args: {key: kind, value: 1}"
                    f"\n            - not:\n                name: fieldExist\n                node: {node}"
                    "\n                args: {key: [a, b]}"
                )
            edges.append(edge)
        text = f"flow-definitions:\n  - name: flow{flow}\n    edges:\n" + "\n".join(edges) + "\n"
        if flow + 1 < flows:
            text += f"      - from: T{first}\n        to: flow{flow + 1}\n"
        (directory / "flows" / f"flow{flow}.yaml").write_text(text)


#: What tasks give and flows take.
RESULT_SCHEMA = {
    "type": "object",
    "required": ["total", "lines"],
    "properties": {
        "total": {"type": "number"},
        "note": {"type": "string"},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["price", "name"],
                "properties": {"price": {"type": "number"}, "name": {"type": "string"}},
            },
        },
    },
}
TASK_INPUT_SCHEMA = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("text", "note", "name")},
        **{name: {"type": "number"} for name in ("total", "price")},
        **{name: {"type": "integer"} for name in ("number", "count")},
    },
    "additionalProperties": False,
}
INPUT_SCHEMA = (
    "{type: object, required: [number, dry_run], properties: {number: {type: integer}, "
    "dry_run: {type: boolean}, currency: {enum: [EUR, USD], default: EUR}}}"
)
#: What an edge behind a task has: its expressions, 3 each.
EDGE_PARTS = (
    (
        "condition: {source}.total > {number} and not args.dry_run",
        'args: {{total: "${{{source}.total * 2}}", text: "order ${{args.number}}"}}',
    ),
    (
        "condition: any(line.price > {number} for line in {source}.lines) or args.currency == 'EUR'",
        'args: {{count: "${{len({source}.lines)}}", note: "${{default({source}.note, \'\')}}"}}',
    ),
    (
        'foreach: "[line for line in {source}.lines if line.price > {number}]"',
        'args: {{name: "${{item.name}}", price: "${{item.price * vars.rate}}"}}',
    ),
)


def write_expression_project(directory: Path, flows: int, has_expressions: bool) -> None:
    """Flows of 7 tasks with 20 expressions each: a chain with conditions and arguments, a foreach, an output."""
    (directory / "flows").mkdir(parents=True)
    (directory / "pyproject.toml").write_text("")
    (directory / "work.py").write_text(
        "from selinon import SelinonTask\n\n\n"
        "class Work(SelinonTask):\n    def run(self, node_args):\n        return 1\n"
    )
    (directory / "result.json").write_text(json.dumps(RESULT_SCHEMA))
    (directory / "input.json").write_text(json.dumps(TASK_INPUT_SCHEMA))
    schema = ", input_schema: input.json, output_schema: result.json" if has_expressions else ""
    declared = "  - {{name: T{}, import: work, classname: Work, storage: Memory{}}}"
    nodes = ["tasks:", *(declared.format(number, schema) for number in range(flows * 7))]
    nodes.append(
        "storages:\n  - name: Memory\n    import: selinon_core.storages.memory\n    classname: InMemoryStorage"
    )
    nodes.append("global:\n  vars: {rate: 2}" if has_expressions else "")
    (directory / "nodes.yaml").write_text("\n".join(nodes) + "\n")
    for flow in range(flows):
        text = expression_flow(flow) if has_expressions else plain_flow(flow)
        (directory / "flows" / f"flow{flow}.yaml").write_text(text)


def plain_flow(flow: int) -> str:
    """The flow without expressions."""
    first = flow * 7
    edges = [f"      - from:\n        to: T{first}"]
    edges += [f"      - from: T{number - 1}\n        to: T{number}" for number in range(first + 1, first + 7)]
    return f"flow-definitions:\n  - name: flow{flow}\n    edges:\n" + "\n".join(edges) + "\n"


def expression_flow(flow: int) -> str:
    """The same flow with 20 expressions."""
    first = flow * 7
    edges = [f"      - from:\n        to: T{first}\n        args: {{number: '${{args.number}}'}}"]
    for number in range(first + 1, first + 7):
        source = f"T{number - 1}"
        parts = EDGE_PARTS[2] if number == first + 6 else EDGE_PARTS[number % 2]
        written = [part.format(source=source, number=number) for part in parts]
        edges.append("\n        ".join([f"      - from: {source}", f"to: T{number}", *written]))
    head = f"flow-definitions:\n  - name: flow{flow}\n    input_schema: {INPUT_SCHEMA}\n    edges:\n"
    return head + "\n".join(edges) + f"\n    output: {{total: '${{default(T{first + 5}.total, 0)}}'}}\n"


if __name__ == "__main__":
    main()
