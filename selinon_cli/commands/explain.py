"""``selinon explain``: why a node ran or did not, what an edge decided, how a run ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from selinon_cli.celery_app import APP_OPTION
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import PROJECT, Command, Options, choice, flag, integer, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.explaining.answers import Answer, Answers


class ExplainOptions(Options):
    """What ``selinon explain`` takes."""

    run = text(
        help="The run: a report, a trace, FILE::CASE of a flow test, or the id of a flow run on workers.",
        metavar="RUN",
        required=True,
        complete="run",
    )
    nodes = texts(
        help="The nodes that are meant: Name, Name#2, flow/Name. Without, the run as a whole.", metavar="NODE"
    )
    edge = text("--edge", help="An edge: its ends (A -> B), its name or its index.", metavar="EDGE")
    all = flag("--all", help="Every node that did not run.")
    depth = integer("--depth", help="So many levels of reasons.", metavar="N", default=6, minimum=1)
    project = PROJECT
    app = APP_OPTION
    format = choice(
        "--format",
        help="For people, for programs, as a drawing.",
        choices=("text", "json", "mermaid"),
        default="text",
    )


def explain(terminal: Terminal, options: ExplainOptions) -> int:
    """Print the answers; the exit code says nothing about the run."""
    if sum((bool(options.nodes), options.edge is not None, options.all)) > 1:
        raise UsageError("ask about nodes, about --edge, or about --all, one at a time")
    from selinon_cli.explained_run import view_of
    from selinon_core.errors import RequestError
    from selinon_core.explaining.answers import Answers, cut

    assert options.run is not None
    seen = view_of(terminal, options.run, options.project, options.app)
    try:
        answers = [
            answer._replace(because=cut(answer.because, options.depth))
            for answer in _asked(Answers(seen), options)
        ]
    except RequestError as error:
        raise UsageError(str(error)) from None
    for note in seen.notes:
        terminal.note(note)
    terminal.data(_shown(answers, options.format))
    if not answers:
        terminal.note("every node ran, but for those that only fallbacks start")
    return EXIT_OK


def _asked(answers: Answers, options: ExplainOptions) -> list[Answer]:
    if options.all:
        return answers.not_run()
    if options.edge is not None:
        return answers.of_edge(options.edge)
    if options.nodes:
        return [answer for node in options.nodes for answer in answers.of_node(node)]
    return [answers.of_run()]


def _shown(answers: list[Answer], format: str) -> str:
    if format == "json":
        return json.dumps([answer.to_json() for answer in answers], indent=2) + "\n"
    from selinon_cli.render.answers import answers_mermaid, answers_text

    return answers_mermaid(answers) if format == "mermaid" else answers_text(answers)


COMMAND = Command(
    "explain",
    "Say why a node ran or did not run, what an edge decided, how a run ended.",
    explain,
    options=ExplainOptions,
    examples=(
        "selinon run --local --report run.json",
        "selinon explain run.json                    # how the run ended, and why",
        "selinon explain run.json Charge             # why Charge ran, failed, or did not run",
        "selinon explain run.json --all              # every node that did not run",
        "selinon explain run.json --edge 'A -> B'    # what the edge decided, each time",
        "selinon explain order.flowtest.yaml::gifts Charge",
        "selinon explain 3f2a Charge                 # of a run on workers, live or over",
    ),
)
