"""``selinon cancel``: end flow runs, by their ids or by a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, flag
from selinon_cli.run_batch import RunsOptions, act, found, has_filter, pause_of
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon


class CancelOptions(RunsOptions):
    """What ``selinon cancel`` takes."""

    terminate = flag(
        "--terminate", help="Stop the tasks that are running, too, where the pool of their worker can."
    )


def cancel(terminal: Terminal, options: CancelOptions) -> int:
    """Ask for the end of flow runs; 1 when one that a query found was refused."""
    from selinon_core.celery.stores.index import OPEN

    selinon = flows_of(terminal, options.app, ())
    pause = pause_of(options.batch)
    if options.ids:
        return _cancel_named(terminal, selinon, options)
    if not has_filter(options.filters):
        raise UsageError("name flow runs, or find them by --flow, --since and the like")
    ids = found(terminal, selinon, options.filters, OPEN, options.batch, "cancel")
    if not ids:
        return EXIT_OK

    def one(id: str) -> str:
        return _cancel(terminal, selinon, id, None, options)

    return act(terminal, "cancel", one, ids, options.batch, pause)


def _cancel_named(terminal: Terminal, selinon: Selinon, options: CancelOptions) -> int:
    """Ask for the end of runs by their ids; the store need not know them when their flow is named."""
    from selinon_cli.project import known_name
    from selinon_core.errors import RequestError

    flows = options.filters.flow
    flow = flows[0] if flows else None
    if len(flows) > 1 or has_filter(options.filters, beside_flow=True):
        raise UsageError("name flow runs, or find them by --flow, --since and the like, not both")
    if flow is not None:
        known_name("flow", flow, selinon.plan.flows)
    for id in [full_id(selinon, typed) for typed in options.ids]:
        try:
            terminal.note(_cancel(terminal, selinon, id, flow, options))
        except RequestError as error:
            hint = "one that no worker has begun yet is cancelled with --flow NAME"
            raise UsageError(str(error), hint) from None
    return EXIT_OK


def _cancel(terminal: Terminal, selinon: Selinon, id: str, flow: str | None, options: CancelOptions) -> str:
    """What was done, as a sentence."""
    from selinon_core.celery.steering.auditing import this_user

    batch = options.batch
    header = selinon.store.header(id)
    status = "running" if header is None else header["status"]
    if status != "running":
        return f"{id} has ended already: {status}"
    if batch.dry_run:
        return f"would ask for the end of {id}"
    if options.terminate and header is not None:
        return _terminate(terminal, selinon, id, batch.by or this_user())
    with asking_broker(terminal, selinon.app):
        selinon.cancel(id, flow if header is None else None, batch.by or this_user())
    return f"asked for the end of {id}"


def _terminate(terminal: Terminal, selinon: Selinon, id: str, by: str) -> str:
    from selinon_core.celery.steering.termination import cancel_and_terminate

    with asking_broker(terminal, selinon.app):
        ended = cancel_and_terminate(selinon, id, by)
    for worker, pool in ended.cannot.items():
        terminal.warn(
            f"worker {worker} has the pool {pool}, which cannot stop a task: what it runs goes on to its end"
        )
    names = ", ".join(sorted(ended.tasks.values())) or "no task runs"
    return f"asked for the end of {id}, and to stop: {names}"


COMMAND = Command(
    "cancel",
    "End flow runs: nothing more of them is started, their sub-flows end too; running tasks finish.",
    cancel,
    options=CancelOptions,
    examples=(
        "selinon cancel 3f2a                         # the beginning of the id is enough",
        "selinon cancel 3f2a91c0-5c1e-4e0e-9d0c-6f1f0e8a2b11 --flow order     # not begun by a worker yet",
        "selinon cancel --flow order --label customer=acme --dry-run",
        "selinon cancel --flow order --since 2h --yes",
        "selinon cancel 3f2a --terminate             # and stop what it runs",
    ),
)
