"""``selinon watch``: check, run and draw again whenever a file changes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selinon_cli.commands.run import COMMAND as RUN
from selinon_cli.exits import UsageError
from selinon_cli.module_places import check_pythonpath
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
    pythonpath: Sequence[str] = (),
    **run_options: Any,
) -> int:
    """Watch until interrupted. A directory without YAML files may get some; a path that is not there is wrong."""
    from selinon_cli.watching.loop import WatchLoop
    from selinon_cli.watching.options import WatchOptions

    _check(run, graph, serve, port, run_options)
    for path in paths:
        if not os.path.exists(path):
            raise UsageError(f"no such file or directory: {path}")
    check_pythonpath(pythonpath)
    outputs = [run_options["report"], run_options["trace"], graph]
    options = WatchOptions(
        paths=paths,
        pythonpath=pythonpath,
        run=run_options if run else None,
        graph=graph,
        flow=run_options["flow"],
        command=_words(command),
        port=(DEFAULT_PORT if port is None else port) if serve else None,
        inputs=list(_inputs(run_options)),
        outputs=[path for path in outputs if path not in (None, "-")],
    )
    WatchLoop(terminal, options).run()
    return 0


def _check(run: bool, graph: str | None, serve: bool, port: int | None, given: Mapping[str, Any]) -> None:
    if port is not None and not serve:
        raise UsageError("--port is about --serve")
    if graph == "-":
        raise UsageError("--graph needs a file or a directory")
    if graph is not None:
        from selinon_cli.output import graph_format, names_directory

        if not names_directory(graph):
            graph_format(graph)
    if "-" in (given["node_args_file"], given["mocks"], given["reuse"]) or "@-" in given["node_args"]:
        raise UsageError("stdin can be read once, a watched project is run many times")
    needless = [
        _FLAGS[name]
        for name, value in given.items()
        if value != _DEFAULTS[name] and not (name == "flow" and graph is not None)
    ]
    if needless and not run:
        raise UsageError(f"{', '.join(sorted(needless))}: options of a run need --run")


def _words(command: str | None) -> list[str]:
    import shlex
    import shutil

    try:
        words = shlex.split(command or "")
    except ValueError as error:
        raise UsageError(f"--exec: {str(error)[0].lower()}{str(error)[1:]}") from error
    if words and shutil.which(words[0]) is None:
        raise UsageError(
            f"--exec: there is no command {words[0]}", "shell syntax needs a shell: --exec 'sh -c \"...\"'"
        )
    return words


def _inputs(options: Mapping[str, Any]) -> Iterator[str]:
    """Files that a run reads beside the project."""
    for name in ("mocks", "node_args_file", "reuse"):
        if options[name]:
            yield options[name]
    for text in options["node_args"]:
        if text.startswith("@"):
            yield text[1:]


_OPTIONS_OF_RUN = tuple(
    option._replace(panel="With --run")
    for option in RUN.options
    if option.name not in ("local", "graph", "pythonpath")
)
_DEFAULTS: dict[str, Any] = {
    option.name: () if option.many else False if option.kind == "flag" else option.default
    for option in _OPTIONS_OF_RUN
}
_FLAGS = {option.name: option.flags[-1] for option in _OPTIONS_OF_RUN}

COMMAND = Command(
    "watch",
    "Check the project again whenever one of its files changes; run and draw it too, if asked to.",
    watch,
    options=(
        Option("run", ("--run",), "Run the flow after a clean check; takes the options of run.", kind="flag"),
        Option(
            "graph",
            ("--graph",),
            "Draw the flow into a file, or all flows into a directory, after a clean check; with --run, its run.",
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
        *(option for option in RUN.options if option.name == "pythonpath"),
        *_OPTIONS_OF_RUN,
    ),
    examples=(
        "selinon watch",
        "selinon watch --run --flow order --serve",
        "selinon watch --exec 'pytest -q'",
    ),
)
