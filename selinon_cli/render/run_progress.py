"""What is shown while a run goes on: a live tree on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from selinon_cli.render.live_output import beside
from selinon_cli.render.run_summary import seconds
from selinon_cli.render.visible import visible
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

Observer = Callable[[str, Any], None]

#: So many lines are printed one by one; after them only failures and a count per second are printed.
_MOST_LINES = 100
#: A flow that starts itself is drawn down to this depth.
_DEEPEST = 12


@contextmanager
def progress(terminal: Terminal) -> Iterator[Observer | None]:
    """Show the run while the block runs it with the observer that is handed out (None: show nothing)."""
    if terminal.verbosity < 0:
        yield None
    elif terminal.interactive:
        with _live_tree(terminal) as observer:
            yield observer
    else:
        yield _Lines(terminal).observe


def _state(what: str, record: Any) -> str:
    """The state a node run is in after a notification."""
    state = {"scheduled": "waiting", "started": "running", "retrying": "retrying"}.get(what)
    if state is None:
        # A sub-flow is reported as ended before the flow around it handles its end.
        active = record.run.status == "active"
        state = ("success" if record.error is None else "failure") if active else record.run.status
    return state


class _Lines:
    """One line for each node run that ends."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._ended = 0
        self._next_count = 0.0

    def observe(self, what: str, record: Any) -> None:
        run = getattr(record, "run", None)
        if run is None or what not in ("ended", "retrying"):
            return
        if what == "ended":
            self._ended += 1
        state = _state(what, record)
        if self._ended > _MOST_LINES and state != "failure":
            now = time.monotonic()
            if now >= self._next_count:
                self._next_count = now + 1
                self._terminal.note(f"... {self._ended} node runs ended")
            return
        at = record.finished_at if what == "ended" else record.attempted_at
        place = f"{record.flow_run.flow.name}/{run.name}"
        if what == "retrying":
            again = f" after attempt {record.attempts}"
        else:
            again = f" (attempt {record.attempts})" if record.attempts > 1 else ""
        self._terminal.note(f"[{at or 0.0:10.3f}] {visible(place)}: {state}{again}")


class _Group:
    """All runs of one node name at one place of the tree of flows."""

    __slots__ = ("attempts", "children", "counts", "finished_at", "is_flow", "since", "states")

    def __init__(self) -> None:
        self.children: dict[str, _Group] = {}
        self.states: dict[int, str] = {}
        self.since: dict[int, float] = {}
        self.counts: dict[str, int] = {}
        self.attempts = 0
        self.finished_at = 0.0
        self.is_flow = False

    def set(self, record: Any, state: str, now: float) -> None:
        """Note the state a run is in now; forget runs that ended, their number is enough."""
        before = self.states.pop(id(record), None)
        self.since.pop(id(record), None)
        if state == "running":
            self.since[id(record)] = now
        if before is not None:
            self.counts[before] -= 1
        if state not in ("success", "failure", "reused"):
            self.states[id(record)] = state
        self.counts[state] = self.counts.get(state, 0) + 1
        self.attempts = max(self.attempts, record.attempts)
        if record.finished_at is not None:
            self.finished_at = max(self.finished_at, record.finished_at)

    def needs_sight(self) -> bool:
        """Whether something in it runs, is tried again or has failed."""
        moving = any(self.counts.get(state) for state in ("running", "retrying", "failure") if not self.is_flow)
        return moving or any(child.needs_sight() for child in self.children.values())


class TreeModel:
    """The state of a run as a tree of flows and nodes, runs of one name counted together."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.root = _Group()
        self.name = ""

    def observe(self, what: str, record: Any) -> None:
        """Take a notification of the executor."""
        run = getattr(record, "run", None)
        if run is None:
            self.name = record.flow.name
            return
        group = self._at(record.flow_run).children.setdefault(run.name, _Group())
        group.is_flow = run.is_flow
        group.set(record, _state(what, record), self.clock())

    def _at(self, flow_run: Any) -> _Group:
        names: list[str] = []
        while flow_run.parent_run is not None:
            names.append(flow_run.flow.name)
            flow_run = flow_run.parent_run
        self.name = flow_run.flow.name
        group = self.root
        for name in reversed(names[-_DEEPEST:]):
            group = group.children.setdefault(name, _Group())
        return group


@contextmanager
def _live_tree(terminal: Terminal) -> Iterator[Observer]:
    from rich.console import Console
    from rich.live import Live

    model = TreeModel()
    console = Console(file=terminal.err, no_color=terminal.no_color, highlight=False)
    # The tree is drawn in a thread of its own: a task that takes long must not freeze it.
    changing = Lock()

    def observe(what: str, record: Any) -> None:
        with changing:
            model.observe(what, record)

    def draw() -> Tree:
        with changing:
            return draw_tree(model, console.height - 2)

    def make() -> Live:
        return Live(
            console=console,
            get_renderable=draw,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    with beside(make, terminal.err):
        yield observe


_STYLES = {
    "waiting": "dim",
    "running": "cyan",
    "retrying": "yellow",
    "success": "green",
    "reused": "blue",
    "failure": "red",
}


def draw_tree(model: TreeModel, most_lines: int) -> Tree:
    """The model as a tree of at most ``most_lines`` lines.

    Where it would be longer, what has ended well or waits is folded into a line for each flow.
    """
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(visible(model.name), style="bold"))
    left = max(most_lines - 1, 1)
    folds = _size(model.root) > left

    def add(branch: Tree, group: _Group) -> None:
        nonlocal left
        folded: dict[str, int] = {}
        for name, child in group.children.items():
            if folds and not child.needs_sight():
                for state, count in child.counts.items():
                    folded[state] = folded.get(state, 0) + count
                continue
            if left <= 0:
                return
            left -= 1
            if left == 0:
                branch.add(Text("...", style="dim"))
                return
            add(branch.add(_label(name, child, model.clock())), child)
        if folded and left > 0:
            left -= 1
            counts = ", ".join(f"{count} {state}" for state, count in folded.items() if count)
            branch.add(Text(f"and {counts}", style="dim"))

    add(tree, model.root)
    return tree


def _size(group: _Group) -> int:
    return sum(1 + _size(child) for child in group.children.values())


def _label(name: str, group: _Group, now: float) -> Text:
    from rich.text import Text

    label = Text(visible(name), style="bold" if group.is_flow else "")
    several = sum(group.counts.values()) > 1
    for state, style in _STYLES.items():
        count = group.counts.get(state, 0)
        if count:
            label.append(f"  {count} {state}" if several else f"  {state}", style=style)
    longest = 0.0 if group.is_flow or not group.since else now - min(group.since.values())
    if longest >= 1:
        label.append(f"  for {longest:.0f} s", style="cyan")
    if group.attempts > 1:
        label.append(f"  attempt {group.attempts}", style="yellow")
    if group.finished_at:
        label.append(f"  at {seconds(group.finished_at)}", style="dim")
    return label
