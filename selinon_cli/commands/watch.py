"""``selinon watch``: check, run and draw again whenever a file changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from selinon_cli.exits import UsageError
from selinon_cli.module_places import check_pythonpath
from selinon_cli.options import Command, ProjectOptions, default_of, flag, group, integer, text
from selinon_cli.run_options import PYTHONPATH, RunOptions
from selinon_cli.terminal import Terminal
from selinon_cli.test_options import CaseChoiceOptions, CaseRunOptions

DEFAULT_PORT = 8640


class WatchCommandOptions(ProjectOptions):
    """What ``selinon watch`` takes."""

    run = flag("--run", help="Run the flow after a clean check; takes the options of run.")
    test = flag("--test", help="Run the flow test cases after a clean check; takes options of test.")
    graph = text(
        "--graph",
        help="Draw the flow into a file, or all flows into a directory, after a clean check; with --run, its run.",
        kind="path",
        metavar="FILE|DIR",
    )
    command = text("--exec", help="Run this command after a clean check.", metavar="CMD")
    serve = flag("--serve", help="Serve a page with graph, check and run on loopback.")
    port = integer(
        "--port",
        help=f"Where to serve the page; 0 takes a free one, default {DEFAULT_PORT}.",
        metavar="N",
        minimum=0,
    )
    pythonpath = PYTHONPATH
    of_run = group(RunOptions, without=("local", "graph", "pythonpath"), panel="With --run")
    #: --flow and --seed are those of a run
    choosing = group(CaseChoiceOptions, without=("flow",), panel="With --test")
    testing = group(CaseRunOptions, without=("seed",), panel="With --test")


def watch(terminal: Terminal, options: WatchCommandOptions) -> int:
    """Watch until interrupted. A directory without YAML files may get some; a path that is not there is wrong."""
    from selinon_cli.watching.loop import WatchLoop
    from selinon_cli.watching.options import WatchOptions
    from selinon_core.config.yaml.files import MissingPathError

    _check(options)
    for path in options.paths:
        if not os.path.exists(path):
            raise MissingPathError(path)
    check_pythonpath(options.pythonpath)
    of_run = options.of_run
    outputs = [of_run.report, of_run.trace, options.graph]
    wanted = WatchOptions(
        paths=options.paths,
        pythonpath=options.pythonpath,
        run=of_run.values() if options.run else None,
        test=_test_values(options) if options.test else None,
        graph=options.graph,
        flow=of_run.input.flow,
        command=_words(options.command),
        port=(DEFAULT_PORT if options.port is None else options.port) if options.serve else None,
        inputs=list(_inputs(of_run)),
        outputs=[path for path in outputs if path not in (None, "-")],
    )
    WatchLoop(terminal, wanted).run()
    return 0


def _check(options: WatchCommandOptions) -> None:
    """Raise ``UsageError`` for options that do not go together."""
    if options.port is not None and not options.serve:
        raise UsageError("--port is about --serve")
    if options.graph == "-":
        raise UsageError("--graph needs a file or a directory")
    if options.graph is not None:
        from selinon_cli.output import graph_format, names_directory

        if not names_directory(options.graph):
            graph_format(options.graph)
    if "-" in _inputs(options.of_run):
        raise UsageError("stdin can be read once, a watched project is run many times")
    given = options.of_run.values()
    needless = [
        option.flags[-1]
        for option in RunOptions.declared
        if given[option.name] != default_of(option)
        and not (option.name == "flow" and options.graph is not None)
        and not (option.name in ("flow", "seed") and options.test)
    ]
    if needless and not options.run:
        raise UsageError(f"{', '.join(sorted(needless))}: options of a run need --run")
    if not options.test:
        for group_of in (options.choosing, options.testing):
            values = group_of.values()
            for option in type(group_of).declared:
                if values[option.name] != default_of(option):
                    raise UsageError(f"{option.flags[-1]}: options of tests need --test")


def _test_values(options: WatchCommandOptions) -> dict[str, Any]:
    """Values of options of ``selinon test`` by their names."""
    of_run = options.of_run
    return {
        **options.choosing.values(),
        **options.testing.values(),
        "flow": () if of_run.input.flow is None else (of_run.input.flow,),
        "seed": of_run.execution.seed,
        "allow_none": True,
    }


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


def _inputs(of_run: RunOptions) -> Iterator[str]:
    """Files that a run reads beside the project."""
    for path in (of_run.mocking.mocks, of_run.input.node_args_file, of_run.selection.reuse):
        if path:
            yield path
    for argument in of_run.input.node_args:
        if argument.startswith("@"):
            yield argument[1:]


COMMAND = Command(
    "watch",
    "Check the project again whenever one of its files changes; run and draw it too, if asked to.",
    watch,
    options=WatchCommandOptions,
    examples=(
        "selinon watch",
        "selinon watch --run --flow order --serve",
        "selinon watch --test",
        "selinon watch --exec 'pytest -q'",
    ),
)
