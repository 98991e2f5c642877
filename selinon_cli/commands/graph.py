"""``selinon graph``: draw flows, alone, with a run on them, or compared with what they were."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.options import Command, ProjectOptions, choice, flag, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.plan import Plan

FORMATS = ("svg", "png", "pdf", "dot", "mermaid", "json", "ascii")
#: Several of these fit behind each other on stdout.
_JOINABLE = ("dot", "mermaid", "json", "ascii")


class GraphOptions(ProjectOptions):
    """What ``selinon graph`` takes."""

    flow = texts("--flow", help="Draw only this flow; may be repeated.", metavar="NAME", complete="flow")
    format = choice(
        "--format",
        help="What to draw. Default: what the ending of the file to write says, else svg.",
        choices=FORMATS,
    )
    output = text(
        "-o",
        "--output",
        help="Where to draw: a file for one flow, a directory, - for stdout. Default: FLOW.FORMAT here.",
        kind="path",
        metavar="FILE|DIR|-",
    )
    style = text("--style", help="A YAML file with Graphviz attributes.", kind="path", metavar="FILE")
    no_storages = flag("--no-storages", help="Leave out storages.")
    no_legend = flag("--no-legend", help="Leave out the legend.")
    data = flag("--data", help="Draw who reads whose result: dashed arrows with the names of the arguments.")
    expand = flag("--expand", help="Draw sub-flows with what is in them; recursion once.")
    run = text(
        "--run",
        help="A report or export of a run to lay over the graph: states, attempts, durations, edges that fired.",
        kind="path",
        metavar="REPORT.json",
    )
    diff = text(
        "--diff",
        help="Compare with a git revision or with other files: added, removed and changed; "
        "exit code 1 if it differs.",
        metavar="REV|PATH",
    )
    engine = text(
        "--engine",
        help="The program for svg, png and pdf. Default: graphviz-pure, else dot; pdf needs dot.",
        metavar="PROGRAM",
    )
    link = text(
        "--link",
        help="Where clicking in an svg leads, with {file} or {path}, {line} and {column}. "
        "Default: {file}#L{line}.",
        metavar="TEMPLATE",
    )


def graph(terminal: Terminal, options: GraphOptions) -> int:
    """Draw flows into files or to stdout; 1 when they are compared and differ."""
    from selinon_cli.project import known_name, load_project
    from selinon_core.graph import DEFAULT_LINK, drawing_of, flows_of, load_style, locator, write

    if options.run is not None and options.diff is not None:
        raise UsageError("--run and --diff both colour the graph", "draw one of them at a time")
    looks = load_style(options.style) if options.style is not None else None
    report = _report(options.run) if options.run is not None else None
    plan, project = load_project(terminal, options.paths)
    other = _other(terminal, options.diff, options.paths) if options.diff is not None else None
    for name in options.flow:
        known_name("flow", name, flows_of(plan, other))
    names = options.flow or (_flows_run(plan, report) if report is not None else flows_of(plan, other))
    drawings = [
        drawing_of(
            plan,
            name,
            report=report,
            other=other,
            expand=options.expand,
            storages=not options.no_storages,
            data=options.data,
        )
        for name in dict.fromkeys(names)
    ]
    differing = sum(drawing.differs for drawing in drawings)
    if other is not None and not options.flow:
        drawings = [drawing for drawing in drawings if drawing.differs]
    form = options.format or _format_of(options.output, len(drawings))
    pictures = {
        drawing.flow: write(
            drawing,
            form,
            style=looks,
            engine=options.engine,
            legend=not options.no_legend,
            link=DEFAULT_LINK if options.link is None else options.link,
            locate=locator(project.pythonpath),
        )
        for drawing in drawings
    }
    _deliver(terminal, pictures, form, options.output)
    if other is not None:
        terminal.note(f"{differing or 'no'} {'flow differs' if differing == 1 else 'flows differ'}")
    return EXIT_FINDINGS if differing else EXIT_OK


def _report(path: str) -> Mapping[str, Any]:
    from selinon_cli.run_inputs import report

    found = report(path, "--run")
    assert found is not None
    if found.get("version") != 1:
        raise UsageError(
            f"--run: {path} is not the report of a run of this version",
            "selinon run --local --report FILE writes one",
        )
    return found


def _flows_run(plan: Plan, report: Mapping[str, Any]) -> list[str]:
    """The flows that took part in a run, the outermost first."""
    nodes = [node for node in report["nodes"] if isinstance(node, dict)]
    took_part = dict.fromkeys([str(report.get("flow")), *(str(node.get("flow")) for node in nodes)])
    names = [name for name in took_part if name in plan.flows]
    if not names:
        raise UsageError(f"the report is about the flow {report.get('flow')!r}, which is not in this project")
    return names


def _other(terminal: Terminal, diff: str, paths: Sequence[str]) -> Plan:
    """The plan to compare with: of a path if there is one of that name, else of a git revision."""
    if os.path.exists(diff):
        from selinon_cli.project import load_project

        return load_project(terminal, [diff])[0]
    from selinon_cli.project import plan_at_revision

    return plan_at_revision(terminal, diff, paths)


def _format_of(output: str | None, count: int) -> str:
    """What the ending of the one file says; svg where there is none."""
    from selinon_cli.output import graph_format

    if output is None or output == "-" or _is_directory(output, count):
        return "svg"
    return graph_format(output, "--output")


def _is_directory(target: str, count: int) -> bool:
    """Return whether so many drawings go to files in a directory, which need not exist yet."""
    from selinon_cli.output import names_directory

    return names_directory(target) or count != 1


def _deliver(terminal: Terminal, pictures: Mapping[str, bytes], format: str, output: str | None) -> None:
    from selinon_cli.output import write_bytes
    from selinon_core.graph import FORMATS as endings

    if output == "-":
        _print(terminal, pictures, format)
        return
    target = output or "."
    into_directory = _is_directory(target, len(pictures))
    if into_directory and not os.path.isdir(target):
        if target.endswith(tuple(endings.values())):
            raise UsageError(
                f"{len(pictures)} flows do not fit into one file",
                "give -o a directory, or choose with --flow NAME",
            )
        if pictures:
            os.makedirs(target, exist_ok=True)
    for name, picture in pictures.items():
        file = os.path.join(target, _file_name(name) + endings[format]) if into_directory else target
        write_bytes(terminal, file, picture)
        terminal.note(f"wrote {os.path.normpath(file)}")


def _file_name(flow: str) -> str:
    """Names of flows are identifiers; any other name must not lead to another directory."""
    return "".join(ch if ch.isalnum() or ch in "_-" else "_" for ch in flow)


def _print(terminal: Terminal, pictures: Mapping[str, bytes], format: str) -> None:
    if len(pictures) > 1 and format not in _JOINABLE:
        raise UsageError(
            f"{len(pictures)} flows cannot go to stdout as {format}",
            "choose one with --flow NAME, or give -o a DIR",
        )
    if format not in _JOINABLE:
        from selinon_cli.output import write_bytes

        for picture in pictures.values():
            write_bytes(terminal, "-", picture)
        return
    texts = [picture.decode() for picture in pictures.values()]
    if format == "ascii" and not _can_draw_boxes(terminal):
        from selinon_core.graph.writers.ascii import without_unicode

        texts = [without_unicode(text) for text in texts]
    if format == "json" and len(texts) != 1:
        terminal.data(f"[\n{','.join(texts)}]\n")
    else:
        terminal.data("\n".join(texts))


def _can_draw_boxes(terminal: Terminal) -> bool:
    try:
        "─╎▼●".encode(getattr(terminal.out, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True


COMMAND = Command(
    "graph",
    "Draw flows: as pictures or as text, with a run laid over them, or compared with a revision.",
    graph,
    options=GraphOptions,
    examples=(
        "selinon graph                               # FLOW.svg for each flow",
        "selinon graph --flow order -o order.png",
        "selinon graph --format ascii -o -           # in the terminal",
        "selinon graph --run report.json             # with a run on it",
        "selinon graph --diff origin/main --format mermaid -o -",
    ),
    epilog="Without --flow, --run draws the flows that took part in it and --diff those that differ.",
)
