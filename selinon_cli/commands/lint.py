"""``selinon lint``: every mistake in the YAML files at once, with its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.module_places import check_pythonpath
from selinon_cli.options import Command, ProjectOptions, choice, flag, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.diagnostics import Diagnostic
    from selinon_core.lint.suppressions import Suppressed
    from selinon_core.project import Project

FORMATS = ("text", "json", "sarif", "github")


class LintOptions(ProjectOptions):
    """What ``selinon lint`` takes."""

    format = choice("--format", help="How to print.", choices=FORMATS, default="text")
    strict = flag("--strict", help="Let warnings count as errors.")
    select = texts(
        "--select",
        help="Report only these codes; beginnings such as SEL3 are fine, commas too.",
        metavar="CODES",
        complete="rule",
    )
    ignore = texts(
        "--ignore",
        help="Do not report these codes; the longer beginning wins over --select.",
        metavar="CODES",
        complete="rule",
    )
    import_code = flag(
        "--import", help="Import the project's modules for the checks of user code, instead of parsing them."
    )
    pythonpath = texts(
        "--pythonpath", help="A directory to look for the project's modules in.", kind="path", metavar="DIR"
    )
    check = flag(
        "--check",
        help="Explore the flows too, as selinon check does, where there are no errors; takes longer.",
    )
    fix = flag("--fix", help="Make the safe fixes in the files, and report what is left.")
    unsafe_fixes = flag(
        "--unsafe-fixes", help="With --fix or --diff, make also fixes that may change what the files mean."
    )
    diff = flag("--diff", help="Show the changes that --fix would make, and change nothing; 1 when there are any.")
    explain = text(
        "--explain",
        help="Explain a rule; with the beginning of codes, list those rules.",
        metavar="CODE",
        complete="rule",
    )
    list_rules = flag("--list-rules", help="List all rules.")
    statistics = flag("--statistics", help="Count what was found per rule.")
    stdin_filename = text(
        "--stdin-filename",
        help="What to call the file that is read when a PATH is -; it replaces the file of that name.",
        kind="path",
        metavar="FILE",
    )


def lint(terminal: Terminal, options: LintOptions) -> int:
    """Check the files and print what was found; 1 when there are errors, with ``strict`` warnings too."""
    if options.explain is not None or options.list_rules:
        return _about_rules(terminal, options.explain, options.format)
    chosen, refused = _prefixes(options.select), _prefixes(options.ignore)
    check_pythonpath(options.pythonpath)
    from selinon_core.project import lint_project

    if options.import_code:
        terminal.set_user_output_apart()
    if options.check and "-" in options.paths:
        raise UsageError("--check explores files, and a PATH is -", "write the file, or leave out --check")
    stdin, files = _stdin(options.paths, options.stdin_filename)
    if options.fix or options.diff:
        from selinon_cli.lint_fixes import LintInput, fix_files, show_diff

        given = LintInput(files, stdin, options.pythonpath, options.import_code, chosen, refused)
        if options.diff:
            return show_diff(terminal, given, unsafe=options.unsafe_fixes)
        stdin = fix_files(terminal, given, unsafe=options.unsafe_fixes)
        if stdin is not None:
            terminal = terminal.with_data_on_stderr()
    elif options.unsafe_fixes:
        raise UsageError("--unsafe-fixes needs --fix or --diff")
    project = lint_project(
        files,
        stdin=stdin,
        pythonpath=options.pythonpath,
        select=chosen,
        ignore=refused,
        import_code=options.import_code,
    )
    strict = options.strict or (project.settings is not None and project.settings.strict)
    for file in project.files:
        terminal.detail(f"read {file}")
    found, suppressed = project.diagnostics, project.suppressed
    if options.check:
        from selinon_cli.explored import explored_diagnostics
        from selinon_core.diagnostics import sort_diagnostics

        more, silenced = explored_diagnostics(terminal, files, options.pythonpath)
        found = sort_diagnostics([*found, *more])
        suppressed = (*suppressed, *silenced)
    if options.format == "text":
        _print_text(terminal, project, found)
    else:
        # An annotation says what the exit code says.
        shown = [_as_error(diagnostic) for diagnostic in found] if strict else found
        _print_machine_form(terminal, options.format, shown, suppressed)
    if options.statistics and found:
        _print_statistics(terminal, found, to_stdout=options.format == "text")
    if options.format == "text":
        _print_summary(terminal, project, found, len(suppressed))
    else:
        from selinon_cli.project import project_summary

        terminal.note(project_summary(project, found, len(suppressed)))
    bad = ("error", "warning") if strict else ("error",)
    return EXIT_FINDINGS if any(diagnostic.severity.value in bad for diagnostic in found) else EXIT_OK


def _print_text(terminal: Terminal, project: Project, found: Sequence[Diagnostic]) -> None:
    if found:
        from selinon_cli.render.text import SourceLines, render_blocks

        terminal.data(render_blocks(found, SourceLines(project.sources), color=terminal.color_out))


def _as_error(diagnostic: Diagnostic) -> Diagnostic:
    """A warning as the error that it is with ``strict``."""
    from selinon_core.diagnostics import Severity

    return diagnostic._replace(severity=Severity.ERROR) if diagnostic.severity is Severity.WARNING else diagnostic


def _print_machine_form(
    terminal: Terminal, format: str, found: Sequence[Diagnostic], suppressed: Sequence[Suppressed]
) -> None:
    if format == "json":
        from selinon_cli.render.machine import to_json

        terminal.data(to_json(found))
    elif format == "github":
        from selinon_cli.render.machine import to_github
        from selinon_cli.repository import relative_to, repository_root

        terminal.data(to_github(found, relative_to(repository_root())))
    else:
        from selinon_cli.render.sarif import to_sarif
        from selinon_cli.repository import relative_to, repository_root
        from selinon_cli.requirement import page_url
        from selinon_cli.rules import rule_texts

        root = repository_root()
        terminal.data(
            to_sarif(found, suppressed, rule_texts(), relative_to(root), root, page_url("reference/rules.md"))
        )


def _print_summary(terminal: Terminal, project: Project, found: Sequence[Diagnostic], suppressed: int) -> None:
    if terminal.verbosity >= 0:
        from selinon_cli.project import project_summary

        terminal.data(project_summary(project, found, suppressed) + "\n")


def _print_statistics(terminal: Terminal, found: Sequence[Diagnostic], *, to_stdout: bool) -> None:
    from selinon_cli.render.rules import statistics
    from selinon_cli.rules import rule_titles

    (terminal.out if to_stdout else terminal.err).write(statistics(found, rule_titles()))


def _about_rules(terminal: Terminal, explain: str | None, format: str) -> int:
    if format not in ("text", "json"):
        raise UsageError(f"rules are shown as text or json, not as {format}")
    from selinon_cli.render.rules import explanation, rule_json, rule_list
    from selinon_cli.rules import known_codes, rule_texts

    texts = rule_texts(None if explain is None else known_codes(explain))
    if format == "json":
        terminal.data(rule_json(texts))
    elif explain is None or len(texts) > 1:
        terminal.data(rule_list(texts, color=terminal.color_out))
        if explain is not None:
            terminal.note(f"these begin with {explain.strip().upper()}; selinon lint --explain CODE explains one")
    else:
        terminal.data(explanation(texts[0], color=terminal.color_out))
    return EXIT_OK


def _prefixes(given: Sequence[str]) -> tuple[str, ...]:
    if not given:
        return ()
    from selinon_cli.rules import known_prefixes

    return known_prefixes(given)


def _stdin(paths: Sequence[str], name: str | None) -> tuple[tuple[str, bytes] | None, list[str]]:
    """The content of stdin when ``-`` is among the paths, and the other paths."""
    if "-" not in paths:
        if name is not None:
            raise UsageError("--stdin-filename needs - as a PATH")
        return None, list(paths)
    import sys

    return (name or "<stdin>", sys.stdin.buffer.read()), [path for path in paths if path != "-"]


COMMAND = Command(
    "lint",
    "Check the YAML files: every mistake of every file, with its place and what to do about it.",
    lint,
    options=LintOptions,
    examples=(
        "selinon lint",
        "selinon lint --strict flows/ nodes.yaml",
        "selinon lint --select SEL3,SEL5 --ignore SEL317",
        "selinon lint --fix",
        "selinon lint --explain SEL317",
        "selinon lint --format sarif > selinon.sarif",
    ),
    epilog="A comment silences a finding on its line or below: # selinon: ignore[SEL301] reason",
)
