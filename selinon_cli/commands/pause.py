"""``selinon pause``: nothing new of flow runs starts until they are resumed, by their ids or by a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, flag
from selinon_cli.run_batch import RunsOptions, act, found, has_filter, pause_of
from selinon_cli.run_filters import RunFilterOptions
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon


class PauseOptions(RunsOptions):
    """What ``selinon pause`` and ``selinon resume`` take."""

    starts = flag("--starts", help="The starts of the flows of --flow, not runs: new runs of them are queued.")


def pause(terminal: Terminal, options: PauseOptions) -> int:
    """Pause runs by their ids or by a query; 1 when one of them was refused."""
    return steer(terminal, options, "pause", ("queued", "running"))


def steer(terminal: Terminal, options: PauseOptions, verb: str, allowed: tuple[str, ...]) -> int:
    """Pause or resume runs, as ``verb`` says; those that a query finds have one of the ``allowed`` statuses."""
    selinon = flows_of(terminal, options.app, ())
    if options.starts:
        return _steer_starts(terminal, selinon, options, verb)
    filters, batch = options.filters, options.batch
    seconds = pause_of(batch)
    flow = None
    if options.ids:
        flow = _flow_beside_ids(selinon, filters)
        ids = [full_id(selinon, typed) for typed in options.ids]
    else:
        if not has_filter(filters):
            raise UsageError("name flow runs, or find them by --flow, --since and the like")
        ids = found(terminal, selinon, filters, allowed, batch, verb)
        if not ids:
            return EXIT_OK
    from selinon_core.celery.steering import Pausing
    from selinon_core.celery.steering.auditing import this_user

    pausing = Pausing(selinon)
    by = batch.by or this_user()

    def one(id: str) -> str:
        planned = pausing.preview(id, verb == "pause", flow)
        if not planned.number:
            return f"{id} {'is paused already' if verb == 'pause' else 'is not paused'}"
        if batch.dry_run:
            return f"would ask to {verb} {id}"
        with asking_broker(terminal, selinon.app):
            pausing.send(planned, by)
        return f"asked to {verb} {id}"

    return act(terminal, verb, one, ids, batch, seconds)


def _steer_starts(terminal: Terminal, selinon: Selinon, options: PauseOptions, verb: str) -> int:
    """Pause or resume the starts of flows."""
    from selinon_cli.project import known_name
    from selinon_core.celery.steering.auditing import this_user

    filters, by = options.filters, options.batch.by or this_user()
    if not filters.flow or options.ids or has_filter(filters, beside_flow=True):
        raise UsageError("--starts is about whole flows: name them by --flow, and nothing else")
    paused = () if verb == "pause" else [each["flow"] for each in selinon.starts.paused()]
    for flow in filters.flow:  # what is paused may be gone from the files
        known_name("flow", flow, [*selinon.plan.flows, *paused])
    for flow in filters.flow:
        if options.batch.dry_run:
            terminal.data(f"would {verb} the starts of {flow}\n")
            continue
        with asking_broker(terminal, selinon.app):
            done = selinon.starts.pause(flow, by) if verb == "pause" else selinon.starts.resume(flow, by)
        already = "are paused already" if verb == "pause" else "are not paused"
        terminal.data(f"{verb}d the starts of {flow}\n" if done else f"the starts of {flow} {already}\n")
    return EXIT_OK


def _flow_beside_ids(selinon: Selinon, filters: RunFilterOptions) -> str | None:
    """The flow that is named for runs that have not begun."""
    from selinon_cli.project import known_name

    if len(filters.flow) > 1 or has_filter(filters, beside_flow=True):
        raise UsageError("name flow runs, or find them by --flow, --since and the like, not both")
    flow = filters.flow[0] if filters.flow else None
    if flow is not None:
        known_name("flow", flow, selinon.plan.flows)
    return flow


COMMAND = Command(
    "pause",
    "Pause flow runs: nothing new of them and of their sub-flows starts; running tasks finish.",
    pause,
    options=PauseOptions,
    examples=(
        "selinon pause 3f2a                          # the beginning of the id is enough",
        "selinon pause --flow order --label customer=acme --dry-run",
        "selinon pause --flow order --yes",
        "selinon pause --starts --flow order         # new runs of the flow are queued",
    ),
)
