"""``selinon graph``: draw flows, alone, with a run on them, or compared with what they were."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, CommandExit, UsageError
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.plan import Plan

FORMATS = ("svg", "png", "pdf", "dot", "mermaid", "json", "ascii")
#: Several of these fit behind each other on stdout.
_JOINABLE = ("dot", "mermaid", "json", "ascii")


def graph(
    terminal: Terminal,
    *,
    paths: Sequence[str] = (),
    flow: Sequence[str] = (),
    format: str | None = None,
    output: str | None = None,
    style: str | None = None,
    no_storages: bool = False,
    no_legend: bool = False,
    expand: bool = False,
    run: str | None = None,
    diff: str | None = None,
    engine: str | None = None,
    link: str | None = None,
) -> int:
    """Draw flows into files or to stdout; 1 when they are compared and differ."""
    from selinon_cli.project import known_name, load_project
    from selinon_core.graph import DEFAULT_LINK, drawing_of, flows_of, load_style, locator, write

    if run is not None and diff is not None:
        raise UsageError("--run and --diff both colour the graph", "draw one of them at a time")
    looks = load_style(style) if style is not None else None
    report = _report(run) if run is not None else None
    plan, project = load_project(terminal, paths)
    other = _other(terminal, diff, paths) if diff is not None else None
    for name in flow:
        known_name("flow", name, flows_of(plan, other))
    names = flow or (_flows_run(plan, report) if report is not None else flows_of(plan, other))
    drawings = [
        drawing_of(plan, name, report=report, other=other, expand=expand, storages=not no_storages)
        for name in dict.fromkeys(names)
    ]
    differing = sum(drawing.differs for drawing in drawings)
    if other is not None and not flow:
        drawings = [drawing for drawing in drawings if drawing.differs]
    form = format or _format_of(output, len(drawings))
    pictures = {
        drawing.flow: write(
            drawing,
            form,
            style=looks,
            engine=engine,
            legend=not no_legend,
            link=DEFAULT_LINK if link is None else link,
            locate=locator(project.pythonpath),
        )
        for drawing in drawings
    }
    _deliver(terminal, pictures, form, output)
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
    from selinon_core.errors import ConfigurationError
    from selinon_core.project.git_revision import plan_at

    try:
        return plan_at(diff, paths)
    except ConfigurationError as error:
        from selinon_cli.render.text import render_blocks

        terminal.err.write(render_blocks(error.diagnostics, {}, color=terminal.color_err))
        terminal.error(str(error))
        raise CommandExit(EXIT_FINDINGS) from error


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


def _options() -> Iterable[Option]:
    yield Option(
        "flow", ("--flow",), "Draw only this flow; may be repeated.", metavar="NAME", many=True, complete="flow"
    )
    yield Option(
        "format",
        ("--format",),
        "What to draw. Default: what the ending of the file to write says, else svg.",
        kind="choice",
        choices=FORMATS,
    )
    yield Option(
        "output",
        ("-o", "--output"),
        "Where to draw: a file for one flow, a directory, - for stdout. Default: FLOW.FORMAT here.",
        kind="path",
        metavar="FILE|DIR|-",
    )
    yield Option("style", ("--style",), "A YAML file with Graphviz attributes.", kind="path", metavar="FILE")
    yield Option("no_storages", ("--no-storages",), "Leave out storages.", kind="flag")
    yield Option("no_legend", ("--no-legend",), "Leave out the legend.", kind="flag")
    yield Option("expand", ("--expand",), "Draw sub-flows with what is in them; recursion once.", kind="flag")
    yield Option(
        "run",
        ("--run",),
        "A run report to lay over the graph: states, attempts, durations, how often edges fired.",
        kind="path",
        metavar="REPORT.json",
    )
    yield Option(
        "diff",
        ("--diff",),
        "Compare with a git revision or with other files: added, removed and changed; exit code 1 if it differs.",
        metavar="REV|PATH",
    )
    yield Option(
        "engine",
        ("--engine",),
        "The program for svg, png and pdf. Default: graphviz-pure, else dot; pdf needs dot.",
        metavar="PROGRAM",
    )
    yield Option(
        "link",
        ("--link",),
        "Where clicking in an svg leads, with {file} or {path}, {line} and {column}. Default: {file}#L{line}.",
        metavar="TEMPLATE",
    )


COMMAND = Command(
    "graph",
    "Draw flows: as pictures or as text, with a run laid over them, or compared with a revision.",
    graph,
    options=tuple(_options()),
    examples=(
        "selinon graph                               # FLOW.svg for each flow",
        "selinon graph --flow order -o order.png",
        "selinon graph --format ascii -o -           # in the terminal",
        "selinon graph --run report.json             # with a run on it",
        "selinon graph --diff origin/main --format mermaid -o -",
    ),
    epilog="Without --flow, --run draws the flows that took part in it and --diff those that differ.",
)
