"""``selinon retry``: failed flow runs go on; what failed of them runs again, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, Options, group, texts
from selinon_cli.run_batch import BatchOptions, act, found, has_filter, pause_of
from selinon_cli.run_filters import RunFilterOptions
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.steering import Retry


class RetryOptions(Options):
    """What ``selinon retry`` takes."""

    ids = texts(help="The flow runs; without, those that the filters find.", metavar="ID", complete="run")
    app = APP_OPTION
    node = texts(
        "--node",
        help="Only this failed node, by name or id; the others stay failed. Repeatable.",
        metavar="NODE",
        complete="node",
    )
    filters = group(RunFilterOptions)
    batch = group(BatchOptions)


def retry(terminal: Terminal, options: RetryOptions) -> int:
    """Retry runs by their ids or by a query; 1 when one of them was refused."""
    selinon = flows_of(terminal, options.app, ())
    filters, batch = options.filters, options.batch
    if bool(options.ids) == has_filter(filters):
        raise UsageError("name flow runs, or find them by --flow, --since and the like, not both")
    pause = pause_of(batch)
    if options.ids:
        ids = [full_id(selinon, typed) for typed in options.ids]
    else:
        if options.node:
            raise UsageError("--node is about one flow run: name it")
        ids = found(terminal, selinon, filters, ("failure",), batch, "retry")
        if not ids:
            return EXIT_OK
    from selinon_core.celery.steering import Steering
    from selinon_core.celery.steering.auditing import this_user

    steering = Steering(selinon)
    by = batch.by or this_user()

    def one(id: str) -> str:
        planned = steering.preview(id, options.node or None)
        if not batch.dry_run:
            with asking_broker(terminal, selinon.app):
                steering.send(planned, by)
        return _said(planned, id, batch.dry_run)

    return act(terminal, "retry", one, ids, batch, pause)


def _said(planned: Retry, id: str, dry_run: bool) -> str:
    names: dict[str, int] = {}
    for node in planned.nodes:
        names[node.name] = names.get(node.name, 0) + 1
    what = [name if times == 1 else f"{times} x {name}" for name, times in names.items()]
    if planned.decisions:
        what.append("a decision" if planned.decisions == 1 else f"{planned.decisions} decisions")
    listed = ", ".join(what) or "it goes on with what still runs"
    below = "" if planned.id == id else f" (below {planned.id})"
    return f"{'would retry' if dry_run else 'asked for the retry of'} {id}{below}: {listed}"


COMMAND = Command(
    "retry",
    "Let failed flow runs go on: what failed of them runs again, and nothing that succeeded.",
    retry,
    options=RetryOptions,
    examples=(
        "selinon retry 3f2a                          # the beginning of the id is enough",
        "selinon retry 3f2a --node Charge            # only this failed node",
        "selinon retry --flow order --since 1d --dry-run",
        "selinon retry --flow order --since 1d --rate 10/s --yes",
    ),
)
