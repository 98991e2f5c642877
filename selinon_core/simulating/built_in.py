"""The invariants that hold for every schedule of every flow."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.celery.stores.outbox_keys import known_timers
from selinon_core.simulating.aftermath import FlowRemains
from selinon_core.simulating.played import Played
from selinon_core.simulating.results import Found

#: Faults after which a publishing or a request fails, which workers report as a problem.
_REPORTED = frozenset({"store", "broker"})
#: Messages and sweeps for each node run and each deviation, above which a run is not bounded.
MOST_EACH = 60


def broken(played: Played) -> Iterator[Found]:
    """What a schedule breaks, the plainest first."""
    yield from _handled(played)
    yield from _folds(played)
    if not played.is_over:
        # A task that fails may send a flow around its cycle for ever: that many messages belong to node runs.
        if played.most >= MOST_EACH * len(played.nodes):
            text = f"{played.flow} is not done after {played.most} messages and sweeps"
            yield Found("bounded", played.flow, text)
        return
    yield from _stays_cancelled(played)
    yield from _nothing_lost(played)
    yield from _ends_once(played)
    yield from _counted_once(played)
    yield from _as_undisturbed(played)


def _handled(played: Played) -> Iterator[Found]:
    """*One decision*: no message ends with an exception, and no decision with a problem."""
    for subject, error in played.problems:
        yield Found("one decision", subject, f"{subject} ends with {type(error).__name__}: {error}")
    if not _REPORTED & {each.kind for each in played.deviations}:
        for details in played.failures:
            yield Found("one decision", played.flow, f"a worker reports {details}")


def _folds(played: Played) -> Iterator[Found]:
    """*Log folds*: replaying the log gives the state that the store has."""
    for remains in played.remains:
        name = played.name_of(remains)
        if remains.error is not None:
            text = f"the log of {name} does not fold: {type(remains.error).__name__}: {remains.error}"
            yield Found("log folds", name, text)
        elif remains.machine is not None and remains.machine.outcome is not None:
            outcome = remains.machine.outcome
            status = "cancelled" if outcome.cancelled else "success" if outcome.succeeded else "failure"
            if remains.header.status != status:
                text = f"the log of {name} ends in {status}, and the store has {remains.header.status}"
                yield Found("log folds", name, text)


def _stays_cancelled(played: Played) -> Iterator[Found]:
    """*Stays cancelled*: a flow run that was cancelled before it began does not begin."""
    for remains in played.remains:
        if remains.id in played.cancelled_before and remains.header.initial_definition is not None:
            name = played.name_of(remains)
            yield Found("stays cancelled", name, f"{name} was cancelled before it began, and begins")


def _nothing_lost(played: Played) -> Iterator[Found]:
    """*Nothing lost*: every run ends, with nothing left to be done."""
    for remains in played.remains:
        name = played.name_of(remains)
        if remains.header.status == "running":
            yield Found("nothing lost", name, f"{name} hangs: nothing is due any more, and it has not ended")
            continue
        timers = [str(timer) for timer in known_timers(remains.timers) if not timer.outlives_run]
        for what, left in (("inbox", remains.inbox), ("outbox", remains.outbox), ("timers", timers)):
            if left:
                yield Found("nothing lost", name, f"{name} has ended, and its {what} holds {left}")
    if not played.remains:
        yield Found("nothing lost", played.flow, f"{played.flow} did not begin")


def _ends_once(played: Played) -> Iterator[Found]:
    """*Ends once*: one end in the log, its result written, its parent informed."""
    for remains in played.remains:
        name, ends = played.name_of(remains), played.ends.get(remains.id, 0)
        if remains.header.status == "running" or remains.machine is None:
            continue
        if ends > 1:
            yield Found("ends once", name, f"{name} ends {ends} times")
        written = played.results.get(remains.id, [])
        if not written:
            yield Found("ends once", name, f"the result of {name} is not written")
        elif any(result != written[0] for result in written):
            yield Found("ends once", name, f"the results written of {name} differ")
        caller = remains.header.caller
        above = None if caller is None else played.by_id.get(caller.flow_id)
        if caller is not None and above is not None and not _is_informed(above, caller.number):
            yield Found("ends once", name, f"{name} has ended, and its parent was not informed")


def _is_informed(above: FlowRemains, number: int) -> bool:
    """Whether the end of a node run is in the log, or need not be: the flow ended without waiting for it."""
    return bool(above.ended.get(number)) or above.header.status != "running"


def _counted_once(played: Played) -> Iterator[Found]:
    """*At least once, counted once*: what has ended was run, and its end counts once."""
    for remains in played.remains:
        for number, count in remains.ended.items():
            record = played.nodes.get((remains.id, number))
            if record is None:
                continue
            label = played.names.node(record.run.id)
            if count > 1:
                yield Found("counted once", label, f"the end of {label} counts {count} times")
            is_run = record.run.is_flow or label in played.attempts or label in played.poisoned
            if not is_run and not played.is_signalled(record):
                yield Found("at least once", label, f"{label} has ended without an attempt")


def _as_undisturbed(played: Played) -> Iterator[Found]:
    """*Same as undisturbed*: the node runs, and the outcome, are those of the run without deviations."""
    expected = played.expected
    if expected is None:
        return
    mine = played.canonical
    if mine == expected:
        return
    if mine[0] != expected[0]:
        text = f"{played.flow} ends in {mine[0]}, and undisturbed in {expected[0]}"
        yield Found("same as undisturbed", played.flow, text)
        return
    there, here = dict(expected[1]), dict(mine[1])
    for label in (*there, *(label for label in here if label not in there)):
        if label not in there:
            yield Found("same as undisturbed", label, f"{label} runs, and undisturbed it does not")
        elif played.is_left_alone(label):
            continue
        elif label not in here:
            yield Found("same as undisturbed", label, f"{label} does not run, and undisturbed it does")
        elif here[label] != there[label]:
            names = ("status", "number of attempts", "args", "parent", "result", "error")
            both = zip(names, here[label], there[label], strict=True)
            what = ", ".join(name for name, mine, its in both if mine != its)
            yield Found("same as undisturbed", label, f"{label} has another {what} than undisturbed")
