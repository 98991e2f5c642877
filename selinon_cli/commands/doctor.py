"""``selinon doctor``: is everything there that flows need on workers? A line per check, with cause and remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from selinon_cli.celery_app import APP_OPTION, flows_of, require_celery
from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, CommandExit, UsageError
from selinon_cli.options import Command, Options, choice, number
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon
    from selinon_core.celery.doctor import Finding

_COLORS = {"ok": "\x1b[32m", "warning": "\x1b[33m", "failed": "\x1b[31m", "skipped": "\x1b[2m"}


class DoctorOptions(Options):
    """What ``selinon doctor`` takes."""

    app = APP_OPTION
    timeout = number(
        "--timeout", help="Seconds that each check may take.", metavar="SECONDS", default=5, minimum=0.1
    )
    format = choice("--format", help="For people or for programs.", choices=("text", "json"), default="text")


def doctor(terminal: Terminal, options: DoctorOptions) -> int:
    """Print the findings of all checks; 1 when one failed."""
    require_celery()
    counts = dict.fromkeys(_COLORS, 0)
    rows = []
    for finding in _findings(terminal, options):
        counts[finding.status] += 1
        if options.format == "json":
            rows.append(finding._asdict())
        else:
            terminal.data(_line(finding, terminal.color_out))
            terminal.flush()
    if options.format == "json":
        found = {"version": 1, "ok": not counts["failed"], "checks": rows}
        terminal.data(json.dumps(found, indent=2) + "\n")
    else:
        terminal.note(", ".join(f"{count} {status}" for status, count in counts.items() if count))
    return EXIT_FINDINGS if counts["failed"] else EXIT_OK


def _findings(terminal: Terminal, options: DoctorOptions) -> Iterator[Finding]:
    from selinon_core.celery.doctor import Finding, examine

    selinon = _app(terminal, options)
    if isinstance(selinon, Finding):
        yield selinon
        return
    try:
        yield from examine(selinon, options.timeout)
    finally:
        if selinon._services is not None:
            selinon.store.close()


def _app(terminal: Terminal, options: DoctorOptions) -> Selinon | Finding:
    """The flows and their app; a finding where there are none, or they have errors.

    Raises ``MissingExtraError`` where no app is named and the embedded server is not installed: then there is
    nothing to check.
    """
    from selinon_core.celery.doctor import FAILED, Finding
    from selinon_core.errors import MissingExtraError, SelinonException

    try:
        selinon = flows_of(terminal, options.app, ())
        selinon.plan  # noqa: B018  (compiles the project)
        return selinon
    except UsageError as error:
        return Finding("app", FAILED, str(error), error.hint)
    except CommandExit:  # its errors are printed
        return Finding("app", FAILED, "the project has errors", "selinon lint explains them")
    except MissingExtraError:
        raise
    except SelinonException as error:
        return Finding("app", FAILED, _with_first(error), "selinon lint explains errors of the files")


def _with_first(error: Exception) -> str:
    """What is wrong, with the first error of the files."""
    first = next(iter(getattr(error, "diagnostics", ())), None)
    if first is None:
        return str(error)
    return f"{error}: {first.span.file}:{first.span.line}: {first.code} {first.message}"


def _line(finding: Finding, color: bool) -> str:
    status = f"{finding.status:8}"
    if color:
        status = f"{_COLORS[finding.status]}{status}\x1b[0m"
    text = f"{status} {_plain(finding.check)}: {_plain(finding.message)}\n"
    return text + (f"         {_plain(finding.remedy)}\n" if finding.remedy and finding.status != "ok" else "")


def _plain(text: str) -> str:
    """A text without what a terminal would act on: messages quote servers."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


COMMAND = Command(
    "doctor",
    "Check what flows need on workers: servers, queues, storages, versions, settings, clocks.",
    doctor,
    options=DoctorOptions,
    examples=(
        "selinon doctor --app shop.celery_app        # before a deployment, or when flows hang",
        "selinon doctor --format json --timeout 2    # for a script",
    ),
)
