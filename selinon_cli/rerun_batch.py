"""``selinon rerun`` of the flow runs that filters find: each is run again by itself, after one question."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.remote_rerun import refuse_local_options
from selinon_cli.rerun_inputs import request_of
from selinon_cli.rerun_options import RerunOptions
from selinon_cli.run_batch import BatchOptions, act, found, pause_of
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.steering import Rerun


def rerun_many(terminal: Terminal, options: RerunOptions) -> int:
    """Run the runs of a query again, or with ``--plan`` say what that would do; 1 when one was refused."""
    refuse_local_options(options)
    for given, flag in ((options.give, "--give"), (options.node_args, "-a")):
        if given:
            raise UsageError(f"{flag} is about one flow run: name it")
    batch = BatchOptions(
        limit=options.batch.limit,
        rate=options.batch.rate,
        by=options.by,
        yes=options.yes,
        dry_run=options.plan,
    )
    pause = pause_of(batch)
    selinon = flows_of(terminal, options.app, options.project)
    from selinon_core.celery.steering import Reruns
    from selinon_core.celery.steering.auditing import this_user
    from selinon_core.celery.stores.index import CLOSED
    from selinon_core.errors import RequestError

    allowed = CLOSED if options.filters.status else ("failure",)
    ids = found(terminal, selinon, options.filters, allowed, batch, "rerun")
    if not ids:
        return EXIT_OK
    steering, request, by = Reruns(selinon), request_of(selinon.plan, options), options.by or this_user()

    def one(id: str) -> str:
        planned = steering.preview(id, request)
        repeated = Counter(record.run.name for record in planned.preview.repeated)
        if repeated and not options.yes:
            raise RequestError(
                f"{id}: tasks would run again that succeeded: {_listed(repeated)}; --yes runs them, too"
            )
        steering.require_possible(planned)
        if batch.dry_run:
            return f"would rerun {id}: {_said(planned)}"
        with asking_broker(terminal, selinon.app):
            new = steering.send(planned, by, once=True)
        return f"asked for the rerun of {id} as {new}: {_said(planned)}"

    return act(terminal, "rerun", one, ids, batch, pause)


def _said(planned: Rerun) -> str:
    from selinon_core.rerunning.preview import AGAIN, ENTER, REUSE, THEN
    from selinon_core.rerunning.rows import Rows

    rows = Rows(planned.preview)
    again = Counter(row.name for row in (*rows.rows(AGAIN, ENTER, THEN), *rows.never_ran()))
    reused = len(rows.rows(REUSE))
    runs = f"runs {_listed(again)}" if again else "runs what conditions lead to"
    return f"{runs}; reuses {reused}" if reused else runs


def _listed(names: Counter[str]) -> str:
    return ", ".join(name if times == 1 else f"{times} x {name}" for name, times in names.items())
