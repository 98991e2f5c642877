"""Migrations: what becomes of flow runs in flight when the files of a project change.

``compare`` finds what changed between two plans, ``files`` reads and writes it in the format of selinon 1.x,
``repository`` reads and writes the files of a directory, ``versions`` returns the migration that a run needs,
``describe`` and ``drawing`` show it to people, ``coverage`` compares a work tree with git, ``history_check`` and
``replay`` replay recorded runs. This package imports none of them, so that a comparison of two plans does not load
the modules that replay runs.
"""
