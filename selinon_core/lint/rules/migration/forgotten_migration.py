from __future__ import annotations

from collections.abc import Iterator, Mapping

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class ForgottenMigration(Rule):
    """The graph of a flow changed since the last commit, and no migration says what becomes of its runs.

    What it does: In a project with ``migration_dir``, compares the edges of flows with what git has in HEAD, and
    looks whether the migration files written since account for the difference. Without ``migration_dir``,
    outside of a git work tree, and when no YAML file differs from HEAD, nothing is looked at.
    ``selinon migrate check`` does the same, against any revision.

    Why it is bad: Flow runs that are in flight refer to edges by their position. When the new files are deployed
    they fail, start again, or go on with edges that are guessed (``on_graph_change``).

    Example:
        global:
          migration_dir: migrations
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - {from: Fetch, to: Parse}  # not committed yet

    Use instead:
        # selinon migrate --git -t IGNORE
        global:
          migration_dir: migrations
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - {from: Fetch, to: Parse}
    """

    code = "SEL701"
    severity = Severity.WARNING
    title = "graph changed without a migration"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        setting = project.model.settings.migration_dir
        if setting is None or not setting.name:
            return
        directory = _expanded(setting.name, project.environ)
        if directory is None:
            return
        from selinon_core.errors import SelinonException
        from selinon_core.migrations.repository import Migrations

        try:
            deployment = project.deployment(directory)
            found = () if deployment is None else deployment.uncovered(Migrations.load(directory))
        except (SelinonException, ValueError):
            return  # no commit yet, other mistakes, broken migrations: others report those
        for each in found:
            files = ", ".join(f"{version}.json" for version in each.versions)
            yield self.found(
                project.model.flow_by_name[each.flow].name.location,
                f'the graph of flow "{each.flow}" changed since HEAD without a migration',
                note=f"{files} do not account for it" if files else "its runs in flight do not fit",
                help="selinon migrate --git -t IGNORE|RETRY|FAIL writes one",
            )


def _expanded(text: str, environ: Mapping[str, str]) -> str | None:
    """A directory with its environment variables, None when one is missing."""
    if "{" not in text:
        return text
    try:
        return text.format_map(environ)
    except (KeyError, ValueError, IndexError, AttributeError):
        return None
