"""From paths to everything that can be said about a project: read the files, run every rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from selinon_core.config.model import ProjectModel
from selinon_core.lint.selection import Selection
from selinon_core.project.loader import Project, judge
from selinon_core.project.reading import Paths, read_paths, without_gc

if TYPE_CHECKING:
    from selinon_core.migrations.coverage import Deployment


def lint_project(
    paths: Paths = (),
    *,
    stdin: tuple[str, bytes] | None = None,
    pythonpath: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    import_code: bool = False,
    texts: Mapping[str, str] | None = None,
) -> Project:
    """Read the project in ``paths`` and run every rule.

    ``stdin`` is a name and the content of one more file, which replaces a file of that name. ``select`` and
    ``ignore`` are codes or beginnings of codes (``SEL3``) that limit what is reported: the former instead of
    ``select`` in ``pyproject.toml``, the latter in addition to ``ignore`` there. The longest beginning decides.
    ``import_code`` imports user code instead of parsing it. ``environ`` are the environment variables (default:
    those of the process). ``texts``, by the names that messages give to files, are read in the place of what is in
    these files. Raises ``PathError`` as ``compile_project`` does, and for codes in ``pyproject.toml`` that no rule
    has.
    """
    with without_gc():
        read = read_paths(paths, stdin, pythonpath, texts)
        selection = Selection(select, ignore, read.settings)
        return judge(
            read,
            environ,
            everything=True,
            selection=selection,
            import_code=import_code,
            deployment=_deployment,
        )


def _deployment(model: ProjectModel, root: str, migrations: str) -> Deployment | None:
    from selinon_core.project.deployment import deployment  # git and migrations: for few projects only

    return deployment(model, root, migrations)
