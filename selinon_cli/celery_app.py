"""The Celery app that a command is about: the one named by ``--app``, else the project's embedded default."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.exits import UsageError
from selinon_cli.options import text
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

APP_OPTION = text(
    "--app",
    "-A",
    help="The Celery app, as module or module:app; by default an embedded server in .selinon/.",
    metavar="MODULE",
    environment=("SELINON_APP",),
)


def is_named(app: str | None) -> bool:
    """Whether the command line names an app, and not the environment, which speaks to all commands at once."""
    return app is not None and app != os.environ.get("SELINON_APP")


def flows_of(terminal: Terminal, app: str | None, paths: Sequence[str]) -> Selinon:
    """The flows on the app; without one those of the project in ``paths``, on the embedded server.

    Raises ``UsageError`` without Celery, and for an app that cannot be imported or has no flows;
    ``CommandExit`` after printing the errors of the project, before a server is started for it.
    """
    require_celery()
    sys.path.insert(0, os.getcwd())
    if app is None:
        from selinon_cli.project import load_project
        from selinon_core.celery.app_factory import make_embedded_app

        plan, project = load_project(terminal, paths)
        return make_embedded_app(os.environ, plan, project.pythonpath)
    from celery.app.utils import find_app

    from selinon_core.errors import SelinonException
    from selinon_core.runtime.error_codec import USER_ERRORS

    try:
        found = find_app(app)
    except SelinonException:
        raise
    except USER_ERRORS as error:
        failure = _import_failure(error)
        is_misnamed = isinstance(error, ImportError | AttributeError) and f"'{app.partition(':')[0]}'" in failure
        hint = "name it as MODULE:APP, with a module of this directory or of PYTHONPATH" if is_misnamed else ""
        raise UsageError(f'cannot import the Celery app "{app}": {failure}', hint) from None
    task = found.tasks.get("selinon.Dispatcher")
    owner: Selinon | None = getattr(task, "selinon", None)
    if owner is None:
        raise UsageError(f'the Celery app "{app}" has no flows', "write: selinon = Selinon(app, paths=[...])")
    return owner


def require_celery() -> None:
    """Raise ``UsageError`` where Celery, which only workers and their callers need, is not installed."""
    try:
        import celery  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(
            "flows on workers need Celery: pip install 'selinon[celery]' "
            "(or 'selinon[dev]', with a private server)",
            "without workers, in this process: selinon run --local",
        ) from error


def _import_failure(error: BaseException) -> str:
    """What a module raised, and where in it, without the frames of the import itself."""
    import celery
    import kombu

    from selinon_core.runtime.error_codec import name_error_and_place

    if isinstance(error, ImportError) and isinstance(error.__context__, AttributeError):
        error = error.__context__  # then Celery takes "module:name" for a module, which says nothing
    libraries = tuple(os.path.dirname(str(library.__file__)) for library in (celery, kombu))
    way = (__file__, *libraries, "<frozen importlib", importlib.__file__)
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(way):
        trace = trace.tb_next
    return name_error_and_place(error.with_traceback(trace))
