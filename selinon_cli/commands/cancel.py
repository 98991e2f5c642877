"""``selinon cancel``: end a flow run."""

from __future__ import annotations

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, Options, text, texts
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal


class CancelOptions(Options):
    """What ``selinon cancel`` takes."""

    ids = texts(help="The flow runs.", metavar="ID", required=True, complete="run")
    app = APP_OPTION
    flow = text("--flow", help="The flow of runs that no worker has begun yet.", metavar="NAME", complete="flow")


def cancel(terminal: Terminal, options: CancelOptions) -> int:
    """Ask for the end of flow runs; ``flow`` names that of runs the state store need not know."""
    from selinon_cli.project import known_name
    from selinon_core.errors import RequestError

    selinon = flows_of(terminal, options.app, ())
    if options.flow is not None:
        known_name("flow", options.flow, selinon.plan.flows)
    for id in [full_id(selinon, typed) for typed in options.ids]:
        header = selinon.store.header(id)
        status = "running" if header is None else header["status"]
        if status != "running":
            terminal.note(f"{id} has ended already: {status}")
            continue
        try:
            with asking_broker(terminal, selinon.app):
                selinon.cancel(id, options.flow if header is None else None)
        except RequestError as error:
            raise UsageError(
                str(error), "one that no worker has begun yet is cancelled with --flow NAME"
            ) from None
        terminal.note(f"asked for the end of {id}")
    return EXIT_OK


COMMAND = Command(
    "cancel",
    "End a flow run: nothing more of it is started, its sub-flows end too; running tasks finish.",
    cancel,
    options=CancelOptions,
    examples=(
        "selinon cancel 3f2a                         # the beginning of the id is enough",
        "selinon cancel 3f2a91c0-5c1e-4e0e-9d0c-6f1f0e8a2b11 --flow order     # not begun by a worker yet",
    ),
)
