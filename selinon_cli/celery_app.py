"""The Celery app that a command is about: the one named by ``--app``, else the project's embedded default."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.exits import WrongUse
from selinon_cli.options import Option

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

APP_OPTION = Option(
    "app",
    ("--app", "-A"),
    "The Celery app, as module or module:app; by default an embedded server in .selinon/.",
    metavar="MODULE",
    environment=("SELINON_APP",),
)


def flows_of(app: str | None, paths: Sequence[str]) -> Selinon:
    """The flows on the app; raises ``WrongUse`` for an app that cannot be imported or has none."""
    sys.path.insert(0, os.getcwd())
    if app is None:
        if paths:
            os.environ["SELINON_PATHS"] = json.dumps([os.path.abspath(path) for path in paths])
        from selinon_core.celery.default_app import selinon

        return selinon
    from celery.app.utils import find_app

    try:
        found = find_app(app)
    except (ImportError, AttributeError) as error:
        raise WrongUse(f'cannot import the Celery app "{app}": {error}') from None
    task = found.tasks.get("selinon.Dispatcher")
    owner: Selinon | None = getattr(task, "selinon", None)
    if owner is None:
        raise WrongUse(f'the Celery app "{app}" has no flows', "write: selinon = Selinon(app, paths=[...])")
    return owner
