"""What of a project is deployed, as git has it, for the rule that looks for forgotten migrations."""

from __future__ import annotations

import os

from selinon_core.config.model import ProjectModel
from selinon_core.migrations.coverage import Deployment
from selinon_core.project.compiler import compile_model
from selinon_core.project.git_revision import differs, names_at, plan_at

REVISION = "HEAD"


def deployment(model: ProjectModel, root: str, migrations: str) -> Deployment | None:
    """The project at ``HEAD`` beside the project as it is; None outside of git, and where no YAML file differs.

    ``migrations`` is the directory of the migration files. Raises ``SelinonException`` or ``ValueError`` where one
    of the two cannot be compiled, or git does not answer.
    """
    if not _may_be_in_work_tree(root) or not differs(REVISION, root, ("*.yaml", "*.yml")):
        return None
    new = compile_model(model)
    return Deployment(plan_at(REVISION, model.files), new, REVISION, tuple(names_at(REVISION, migrations)))


def _may_be_in_work_tree(directory: str) -> bool:
    """The cheap question before git is asked."""
    here = os.path.abspath(directory)
    while not os.path.exists(os.path.join(here, ".git")):
        above = os.path.dirname(here)
        if above == here:
            return False
        here = above
    return True
