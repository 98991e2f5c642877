"""``selinon status``: running flow runs, or one run's tree."""

from __future__ import annotations

import json
import time
from typing import Any

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import FINE, WrongUse
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal


def status(
    terminal: Terminal,
    *,
    id: str | None = None,
    app: str | None = None,
    watch: bool = False,
    history: bool = False,
    format: str = "text",
) -> int:
    """Tell how flow runs fare; with ``watch`` again and again, with ``history`` what happened to one."""
    selinon = flows_of(app, ())
    if history:
        return _tell_history(terminal, selinon, id)
    while True:
        told = _told(selinon, id)
        if format == "json":
            terminal.data(json.dumps(told, indent=None if watch else 2) + "\n")
        else:
            if watch and terminal.interactive:
                terminal.data("\x1b[H\x1b[2J")
            terminal.data(render_run(told) if isinstance(told, dict) else render_list(told))
        terminal.flush()
        if not watch or (isinstance(told, dict) and told["status"] != "running"):
            return FINE
        time.sleep(1)


def _tell_history(terminal: Terminal, selinon: Any, id: str | None) -> int:
    if id is None:
        raise WrongUse("a history is that of one flow run", "name it: selinon status ID --history")
    from selinon_core.celery.history import history

    terminal.data("".join(json.dumps(event) + "\n" for event in history(selinon.engine, id)))
    return FINE


def _told(selinon: Any, id: str | None) -> Any:
    from selinon_core.celery.status import list_runs

    return selinon.status(id) if id else list_runs(selinon.engine)


def render_list(rows: list[dict[str, Any]]) -> str:
    """Running flow runs, a line each."""
    if not rows:
        return "no flow is running\n"
    return "".join(f"{row['id']}  {row['flow']:24}  {row['seconds']:10.1f} s\n" for row in rows)


def render_run(told: dict[str, Any], indent: str = "") -> str:
    """A flow run and its nodes as a tree."""
    now = time.time()
    ended = told["status"] != "running"
    seconds = (told["updated"] if ended else now) - told["created"]
    lines = [f"{indent}{told['flow']}  {told['status']}  {seconds:.1f} s  {told['id']}"]
    if told.get("reason"):
        lines.append(f"{indent}  {told['reason']}")
    for node in told["nodes"]:
        since = f"  for {now - node['since']:.1f} s" if node["status"] == "running" and node["since"] else ""
        tries = f"  attempt {node['attempts']}" if node["attempts"] > 1 else ""
        if "run" in node:
            lines.append(render_run(node["run"], indent + "  ").rstrip("\n"))
        else:
            lines.append(f"{indent}  {node['name']}  {node['status']}{tries}{since}")
    lines += [f"{indent}  due {_timer(name)} in {due - now:.1f} s" for name, due in told["timers"].items()]
    return "\n".join(lines) + "\n"


def _timer(name: str) -> str:
    kinds = {"n": "a task's next attempt", "q": "a decision that was put off", "s": "a throttled sub-flow"}
    return {"retry": "the flow's retry", "deadline": "the flow's time-out"}.get(name, kinds.get(name[0], name))


COMMAND = Command(
    "status",
    "List the running flow runs, or show one with its nodes.",
    status,
    options=(
        Option("id", (), "The flow run; without it, all that are running.", metavar="ID"),
        APP_OPTION,
        Option("watch", ("-w", "--watch"), "Show it again every second until it ends.", kind="flag"),
        Option(
            "history",
            ("--history",),
            "What happened to the run and its sub-flows, and why: a JSON object a line, as of run --trace.",
            kind="flag",
        ),
        Option(
            "format",
            ("--format",),
            "For people or for programs.",
            kind="choice",
            choices=("text", "json"),
            default="text",
        ),
    ),
    project=False,
)
