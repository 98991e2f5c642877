"""``selinon export``: a flow run of the workers as a file, for bug reports, drawings, and local runs."""

from __future__ import annotations

import json

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, Options, flag, text
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal


class ExportOptions(Options):
    """What ``selinon export`` takes."""

    id = text(help="The flow run; the beginning of its id is enough.", metavar="ID", required=True, complete="run")
    app = APP_OPTION
    output = text("-o", "--output", help="Where to write, - for stdout.", kind="path", metavar="FILE", default="-")
    no_results = flag("--no-results", help="Leave out the results that storages have.")
    no_redact = flag("--no-redact", help="Write what global.redact names, too.")


def export(terminal: Terminal, options: ExportOptions) -> int:
    """Write the run as JSON."""
    from selinon_cli.output import check_target, write_text

    if options.output != "-":
        check_target(options.output)
    selinon = flows_of(terminal, options.app, ())
    from selinon_core.errors import RequestError

    id = full_id(selinon, options.id)
    try:
        found = selinon.export(id, results=not options.no_results, redact=not options.no_redact)
    except RequestError as error:
        raise UsageError(str(error), "its start was refused or parked, or it is forgotten") from None
    write_text(terminal, options.output, json.dumps(found, indent=2) + "\n")
    missing = found["export"]["missing_results"]
    if missing:
        first = next(iter(missing.values()))
        terminal.warn(f"{len(missing)} results could not be read: {first}")
    if not options.no_redact and not selinon.plan.settings.redact:
        terminal.note("global.redact names nothing: look through arguments and results before you share the file")
    return EXIT_OK


COMMAND = Command(
    "export",
    "Write a flow run as JSON, with its log and results: for bug reports, drawings, local runs with its results.",
    export,
    options=ExportOptions,
    examples=(
        "selinon export 3f2a > run.json",
        "selinon run --local --mocks run.json        # the flow again here, with these results",
        "selinon graph --run run.json                # a drawing of what happened",
    ),
)
