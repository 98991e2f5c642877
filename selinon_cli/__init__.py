"""The command line of selinon: options, rendering and exit codes; everything else is in ``selinon_core``.

How a command line becomes a call::

    main.main / compat.main
        registry      which module holds a command (a literal dict: name -> module)
        parse         a small parser that reads ordinary command lines; it needs no imports, so it is fast
        app           the Typer application: help, errors, completion and whatever ``parse`` does not take
        invoke        terminal, project paths, one call ``command.run(terminal, options) -> exit code``
        exits         exceptions -> exit codes, in this one place

Both parsers are built from the same ``options.Command`` values, and a test holds them together.

Adding a command takes one file and one line:

1. ``selinon_cli/commands/<name>.py`` with a class that declares the options (``options.Options``, or
   ``ProjectOptions`` for a command about a project, which has ``paths``), a plain function
   ``<name>(terminal, options) -> int``, and ``COMMAND = Command("<name>", "What it does.", <function>, <class>)``.
   Options that several commands take are groups: those of runs are in ``run_options.py``. Import what is
   heavy inside the function: every command module is imported for ``selinon --help``.
2. a line in ``registry.COMMANDS``. A command of two words (``migrate check``) is registered under that name.

Write data with ``terminal.data``, everything else with ``terminal.note`` and its kin. Raise ``UsageError`` for
mistakes on the command line; let other exceptions through.
"""
