"""``selinon watch``: check, run and draw again whenever a file changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selinon_cli.commands.run import COMMAND as RUN
from selinon_cli.exits import WrongUse
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal

DEFAULT_PORT = 8640


def watch(
    terminal: Terminal,
    *,
    paths: Sequence[str] = (),
    run: bool = False,
    graph: str | None = None,
    command: str | None = None,
    serve: bool = False,
    port: int | None = None,
    **run_options: Any,
) -> int:
    """Watch until interrupted."""
    import shlex

    from selinon_cli.watching.loop import Loop, Wishes, watched
    from selinon_core.project import compile_project

    if port is not None and not serve:
        raise WrongUse("--port is about --serve")
    given = {name: value for name, value in run_options.items() if value != _DEFAULTS[name]}
    if given and not run:
        flags = ", ".join(sorted(_FLAGS[name] for name in given))
        raise WrongUse(f"{flags}: options of a run need --run")
    project = compile_project(paths)  # the first look: unknown paths are told now, mistakes by the first round
    sight = watched(paths, project.pythonpath)
    sight.also(path for name in ("mocks", "node_args_file", "reuse") if (path := run_options.get(name)))
    wishes = Wishes(
        paths=paths,
        run=run_options if run else None,
        graph=graph,
        command=shlex.split(command) if command else (),
        port=(DEFAULT_PORT if port is None else port) if serve else None,
    )
    Loop(terminal, wishes, sight).run()
    return 0


_OPTIONS_OF_RUN = tuple(o._replace(panel="With --run") for o in RUN.options if o.name not in ("local", "graph"))
_DEFAULTS: dict[str, Any] = {
    o.name: () if o.many else False if o.kind == "flag" else o.default for o in _OPTIONS_OF_RUN
}
_FLAGS = {o.name: o.flags[-1] for o in _OPTIONS_OF_RUN}

COMMAND = Command(
    "watch",
    "Check the project again whenever one of its files changes; run and draw it too, if asked to.",
    watch,
    options=(
        Option("run", ("--run",), "Run the flow after a clean check; takes the options of run.", kind="flag"),
        Option(
            "graph",
            ("--graph",),
            "Draw after a clean check: a file (with --run: the run), or a directory for all flows.",
            kind="path",
            metavar="FILE|DIR",
        ),
        Option("command", ("--exec",), "Run this command after a clean check.", metavar="CMD"),
        Option("serve", ("--serve",), "Serve a page with graph, check and run on loopback.", kind="flag"),
        Option(
            "port",
            ("--port",),
            f"Where to serve the page; 0 takes a free one, default {DEFAULT_PORT}.",
            kind="int",
            metavar="N",
            minimum=0,
        ),
        *_OPTIONS_OF_RUN,
    ),
)
