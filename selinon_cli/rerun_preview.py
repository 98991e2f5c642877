"""Shows what a rerun will do, and asks before tasks that succeeded run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.rerun_options import RerunOptions
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.rerunning.preview import Preview


def settled(terminal: Terminal, preview: Preview, options: RerunOptions) -> int | None:
    """The exit code where nothing is to run, as with ``--plan``; None: the rerun is to go on.

    Raises ``UsageError`` where results are missing, or the user does not want tasks to run again.
    """
    for note in preview.recorded.seen.notes:
        terminal.note(note)
    if options.plan:
        return show_plan(terminal, preview, options.format)
    if preview.missing:
        raise results_missing(preview)
    if preview.does_nothing:
        terminal.note("nothing is to run again: the run succeeded; --select says what is to")
        return EXIT_OK
    ask_to_repeat(terminal, preview, options)
    return None


def show_plan(terminal: Terminal, preview: Preview, format: str) -> int:
    if format == "json":
        import json

        from selinon_core.rerunning.rows import Rows

        terminal.data(json.dumps(Rows(preview).to_json(), indent=2) + "\n")
    else:
        from selinon_cli.render.rerun_plan import rerun_plan

        terminal.data(rerun_plan(preview))
    if preview.missing and format == "text":
        error = results_missing(preview)
        terminal.error(str(error))
        terminal.note(error.hint)
    return EXIT_FINDINGS if preview.missing else EXIT_OK


def results_missing(preview: Preview) -> UsageError:
    from selinon_core.diagnostics.wording import listed
    from selinon_core.rerunning.rows import Rows

    labels = [row["node"] for row in Rows(preview).to_json()["missing"]]
    why = preview.why[preview.missing[0].run.id]
    named = listed(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
    return UsageError(
        f"{named} cannot be reused: {why}",
        f"--select {labels[0]} runs it again, --give {labels[0]}=JSON gives its result",
    )


def ask_to_repeat(terminal: Terminal, preview: Preview, options: RerunOptions) -> None:
    """Raise ``UsageError`` unless the user agrees that tasks run again which succeeded."""
    import sys

    names: dict[str, int] = {}
    for record in preview.repeated:
        names[record.run.name] = names.get(record.run.name, 0) + 1
    if not names or options.yes:
        return
    many = ", ".join(name if number == 1 else f"{number} x {name}" for name, number in names.items())
    if not sys.stdin.isatty():
        raise UsageError(
            f"tasks would run again that succeeded: {many}", "add --yes to run them, or --plan to look"
        )
    from selinon_cli.render.rerun_plan import rerun_plan

    terminal.err.write(rerun_plan(preview))
    terminal.note(f"tasks run again that succeeded: {many}. Go on? [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was run")
