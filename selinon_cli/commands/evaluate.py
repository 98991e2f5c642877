"""``selinon eval``: the value of an expression in a run that is over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.options import PATHS_HELP, Command, Options, choice, integer, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.local.report_expressions import Evaluated
    from selinon_core.plan import EdgePlan, FlowPlan


class EvalOptions(Options):
    """What ``selinon eval`` takes."""

    expression = text(help="The expression, without ${}.", metavar="EXPR", required=True)
    paths = texts(help=PATHS_HELP, kind="path", metavar="PATH")
    report = text(
        "--report", help="The report of the run, - for stdin.", kind="path", metavar="FILE", required=True
    )
    flow = text("--flow", help="The flow whose names are meant.", metavar="NAME", complete="flow")
    edge = integer(
        "--edge",
        help="The edge, by its index in the report: the expression may stand in its condition, foreach or args. "
        "Without it, in the output of the flow.",
        metavar="N",
        minimum=0,
    )
    format = choice("--format", help="For people or for programs.", choices=("text", "json"), default="text")


def evaluate(terminal: Terminal, options: EvalOptions) -> int:
    """Print the value and its type for each combination; 1 where there is none."""
    from selinon_cli import run_inputs
    from selinon_cli.project import chosen_flow, load_project
    from selinon_core.errors import RequestError
    from selinon_core.local.report_expressions import evaluate_in_report

    plan, _ = load_project(terminal, options.paths)
    flow = plan.flows[chosen_flow(plan, options.flow)]
    report = run_inputs.report(options.report, "--report")
    assert report is not None
    edge = None if options.edge is None else _edge(flow, options.edge)
    try:
        found = evaluate_in_report(options.expression, plan, flow.name, edge, report)
    except RequestError as error:
        raise UsageError(str(error)) from None
    if options.format == "json":
        terminal.data(json.dumps([_row(one) for one in found], indent=2) + "\n")
    else:
        for one in found:
            terminal.data(_line(one, len(found) > 1) + "\n")
    return EXIT_FINDINGS if any(one.error is not None for one in found) else EXIT_OK


def _edge(flow: FlowPlan, index: int) -> EdgePlan:
    if index >= len(flow.edges):
        raise UsageError(f"flow {flow.name} has no edge {index}: its edges are 0 to {len(flow.edges) - 1}")
    return flow.edges[index]


def _row(one: Evaluated) -> dict[str, Any]:
    row: dict[str, Any] = {"about": one.about}
    row |= {"error": one.error} if one.error is not None else {"value": one.value, "type": one.kind}
    return row | {"saw": dict(one.saw)}


def _line(one: Evaluated, named: bool) -> str:
    shown = f"error: {one.error}" if one.error is not None else f"{json.dumps(one.value)}  ({one.kind})"
    return f"{one.about}: {shown}" if named and one.about else shown


COMMAND = Command(
    "eval",
    "Work out an expression in a run that is over, on the results that its report has.",
    evaluate,
    options=EvalOptions,
    examples=(
        "selinon run --local --report run.json",
        "selinon eval 'LoadOrder.total >= 100' --edge 1 --report run.json",
        "selinon eval 'all.Ship' --flow order --report run.json --format json",
    ),
)
