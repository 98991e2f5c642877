"""An importable Celery app, configured by the environment: ``celery -A selinon_core.celery.default_app worker``.

``SELINON_PATHS`` (a JSON list; default: as ``compile_project``) names the project's files and
``SELINON_PYTHONPATH`` (a JSON list) where its modules are; ``app_factory`` says which variables name the servers.
Importing this may start the embedded server; only ``celery -A`` needs it.
"""

from __future__ import annotations

import json
import os

from selinon_core.celery.app import Selinon
from selinon_core.celery.app_factory import make_embedded_app
from selinon_core.errors import ConfigurationError
from selinon_core.project import compile_project


def _from_environment() -> Selinon:
    paths = json.loads(os.environ.get("SELINON_PATHS") or "[]")
    project = compile_project(paths, pythonpath=json.loads(os.environ.get("SELINON_PYTHONPATH") or "[]"))
    if project.plan is None:
        raise ConfigurationError("the project has errors", tuple(project.diagnostics))
    return make_embedded_app(os.environ, project.plan, project.pythonpath)


selinon = _from_environment()
app = selinon.app
