"""Migrations: what becomes of flow runs in flight when the files of a project change.

``compare`` finds what changed between two plans, ``files`` reads and writes it in the format of selinon 1.x,
``catalog`` holds the files of a directory, ``up_to_date`` says what a run needs, ``account`` tells it to people,
``coverage`` judges a work tree against git, ``histories`` replays what real runs did. Nothing is imported from
here, so that whoever compares two plans does not load what replays runs.
"""
