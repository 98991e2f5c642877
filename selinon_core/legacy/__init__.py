"""One configuration for the whole process, as the original has it: what the ``selinon`` facade gives old projects.

Everything here is a thin default over the instance-based library (``compile_project``, ``celery.Selinon``,
``LocalExecutor``). New code does without: it has no way to hold two projects in one process.
"""

from __future__ import annotations

from selinon_core.legacy import task_context as _task_context  # noqa: F401  # tasks built by hand find the process
