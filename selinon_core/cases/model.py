"""What a case file says, as immutable values that know their places. Nothing here reads or runs.

``config`` reads case files into these values, ``local`` plays the mocks, ``testing`` judges the expectations, and
``exploring``, ``covering`` and ``recording`` write new cases as the same values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from selinon_core.diagnostics.location import Place

if TYPE_CHECKING:
    from selinon_core.cases.matchers import Matcher

Json = Any


class Ungiven:
    """The type of ``UNGIVEN``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNGIVEN"


#: Stands for a result that a mock does not give: the least value that fits the task's schema (a stand-in).
UNGIVEN: Final = Ungiven()


class Outcome(NamedTuple):
    """How one attempt of a mocked node ends.

    ``kind`` of a task: ``result`` (a JSON value, or ``UNGIVEN``), ``error`` (``"Type: message"``), ``fatal``
    (a message), ``retry`` (seconds). ``kind`` of a sub-flow: ``finished`` or ``failed`` (task name -> list of
    results, or of errors), ``output`` (a JSON value), ``error`` (text). ``after``: virtual seconds until the
    attempt ends. ``times``: for how many attempts in a row the outcome holds. ``check``: how a result is held
    against the task's ``output_schema``:
    ``strict`` (all of it), ``present`` (only the keys that are there), ``none``.
    """

    kind: str
    value: Json
    after: float = 0.0
    times: int = 1
    check: str = "strict"
    place: Place | None = None


class Script(NamedTuple):
    """Outcomes in order; the last one repeats.

    ``per_run`` False: one counter over all attempts of all runs of the task, in the order they happen. True: each
    run of the task begins with the first outcome (``attempts:``).
    """

    outcomes: tuple[Outcome, ...]
    per_run: bool = False
    place: Place | None = None


class When(NamedTuple):
    """Which attempts a rule is for: all that is given has to match.

    ``visit`` counts the runs of the node in the flow run from 1, ``attempt`` the attempts of a run from 1.
    ``parent`` matches the results of the runs the node was started for, by task name.
    """

    args: Matcher | None = None
    flow: str | None = None
    visit: Matcher | None = None
    attempt: Matcher | None = None
    parent: Mapping[str, Matcher] = {}


class Rule(NamedTuple):
    """The script for the attempts that ``when`` selects; None: for all others (``otherwise``)."""

    when: When | None
    script: Script
    place: Place | None = None


class NodeMock(NamedTuple):
    """The mock of a task or of a whole sub-flow: the first rule that fits an attempt gives its outcome."""

    rules: tuple[Rule, ...]
    place: Place | None = None


class FunctionMock(NamedTuple):
    """The values that a function of the project returns, call by call; the last one repeats."""

    values: tuple[Json, ...]
    place: Place | None = None


class ConditionMock(NamedTuple):
    """The truths of an edge's or a failures entry's condition, one for each time it is asked; the last repeats.

    ``edge``: the edge's index in ``flow``, or with ``is_fallback`` that of the failures entry.
    """

    flow: str
    edge: int
    values: tuple[bool, ...]
    is_fallback: bool = False
    place: Place | None = None


class Mocks(NamedTuple):
    """All mocks of a case. ``nodes`` by name of the task or sub-flow, ``functions`` by ``module.name``."""

    nodes: Mapping[str, NodeMock] = {}
    functions: Mapping[str, FunctionMock] = {}
    conditions: tuple[ConditionMock, ...] = ()


class Signal(NamedTuple):
    """What a task with ``wait`` gets from outside: its result, or why it is rejected.

    ``node`` is the name of the task. ``early``: if it does not wait yet, the signal is kept until it does.
    """

    node: str
    value: Json = None
    reject: str | None = None
    early: bool = False
    place: Place | None = None


class Deviation(NamedTuple):
    """One thing that goes otherwise than by default while a flow run is simulated.

    ``kind`` is a fault (``crash``, ``twice``, ``late``, ``lost``, ``store``, ``broker``, ``pause``, ``clock``,
    ``poison``, ``task``), ``first`` (another activity goes before the subject), ``take`` (which worker takes the
    message) or ``takes`` (how long the attempt takes). ``subject`` is the label of a node run (``Charge#1``,
    ``reserve/ReserveItem#2``), of the message of a flow run (``start order#1``, ``wake order#1``) or of a worker
    (``w2``). ``point`` is where it happens (``after commit``), for ``first`` the subject that goes before it, for
    ``take`` the worker. ``occurrence`` counts from 1 how often the subject came to this point. ``seconds`` are
    virtual, for ``late``, ``pause``, ``clock`` and ``takes``.
    """

    kind: str
    subject: str
    point: str = ""
    occurrence: int = 1
    place: Place | None = None
    seconds: float | None = None


class Expected(NamedTuple):
    """A value that is expected, and where that is written. What ``value`` is depends on the expectation."""

    value: Any
    place: Place | None = None


class Expect(NamedTuple):
    """What has to hold after the run. None and empty: not looked at, except ``status`` and ``unreached``.

    Node references (keys) are ``Name``, ``flow/Name`` or ``outer/inner/Name``, each perhaps with ``#k`` for the
    k-th run in canonical order (``runtime.lineage``). Values of ``args`` to ``started_at`` are one matcher for all
    runs of the node or a tuple with one matcher a run in canonical order.
    """

    status: Expected = Expected("success")
    reason: Expected | None = None  # Matcher on the reason
    output: Expected | None = None  # Matcher on the output of the flow
    runs: Expected | None = None  # {reference: number}, complete
    ran: Expected | None = None  # tuple of references, or {reference: number}
    not_ran: Expected | None = None  # tuple of references
    order: Expected | None = None  # tuple of chains, each a tuple of references
    args: Mapping[str, Expected] = {}
    parents: Mapping[str, Expected] = {}
    results: Mapping[str, Expected] = {}
    outputs: Mapping[str, Expected] = {}
    errors: Mapping[str, Expected] = {}
    statuses: Mapping[str, Expected] = {}
    attempts: Mapping[str, Expected] = {}
    started_at: Mapping[str, Expected] = {}
    fallbacks: Expected | None = None  # tuple of (nodes, fallback nodes or True), complete
    edges: Mapping[str, Expected] = {}  # "[A, B] -> C", a name: {"considered": n, "fired": n}
    unreached: Expected | None = None  # tuple of names; None: has to be empty
    warnings: Expected | None = None  # tuple of matchers
    stored: Mapping[str, Expected] = {}  # storage name: number, or {task: results}
    virtual_seconds: Expected | None = None  # number, or {"at_most": number}
    snapshot: Expected | None = None  # True
    ends: Expected | None = None  # "once"
    same_as: Expected | None = None  # "undisturbed"


class Invariant(NamedTuple):
    """A sentence about every run; ``kind`` is one of ``INVARIANT_KINDS`` and says what ``value`` is.

    ``flow``: the flow whose runs it is about; None: every flow that has all the nodes it names.
    """

    name: str
    kind: str
    value: Any
    flow: str | None = None
    place: Place | None = None


INVARIANT_KINDS = ("at_most", "at_least", "exactly", "before", "never_both", "if_then", "function")


class Case(NamedTuple):
    """One test of one flow, with its parameters filled in.

    ``id`` is ``file::title``. ``row`` tells cases apart whose names are equal but for their parameters. ``mocks``
    has those of the file too. ``env``: environment variables that conditions and expressions see, None for one
    that is not set. ``fail``: task -> how many first attempts fail (None: all). ``at``: (virtual
    seconds, ``"cancel"`` or a signal). ``durations``: task -> virtual seconds of an attempt. ``seeds``: the runs'
    seeds, each has to pass. ``select``: tasks and flags of a selective run. ``schedule``: how a simulation of the
    production driver deviates from the default.
    """

    name: str
    flow: str
    file: str
    place: Place
    args: Json = None
    tags: tuple[str, ...] = ()
    skip: str | None = None
    xfail: str | None = None
    parameters: Mapping[str, Json] = {}
    row: str = ""
    mocks: Mocks = Mocks()
    tasks: str = "mocked"  # or real
    fail: Mapping[str, int | None] = {}
    select: Mapping[str, Any] | None = None
    at: tuple[tuple[float, str | Signal], ...] = ()
    durations: Mapping[str, float] = {}
    timeout: float | None = None
    max_steps: int | None = None
    stand_ins: str = "fail"  # or allow
    seeds: tuple[int, ...] = (0,)
    driver: str = "local"  # or production
    expect: Expect = Expect()
    invariants: tuple[Invariant, ...] = ()
    schedule: tuple[Deviation, ...] = ()
    env: Mapping[str, str | None] = {}

    @property
    def title(self) -> str:
        """The name, and its parameters where the name does not show them, as reports have it."""
        return f"{self.name}[{self.row}]" if self.row else self.name

    @property
    def id(self) -> str:
        """``file::title``."""
        return f"{self.file}::{self.title}"
