"""``selinon signal``: gives a task of a flow run what it waits for."""

from __future__ import annotations

from typing import Any

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.options import Command, Options, flag, text, texts
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal


class SignalOptions(Options):
    """What ``selinon signal`` takes."""

    words = texts(
        help="The flow run (not with --key), the task by name or by its node run's id, its result as JSON.",
        metavar="[ID] NODE [JSON]",
        complete="run",
    )
    app = APP_OPTION
    key = text("--key", help="The flow run that was started with this key.", metavar="KEY")
    reject = text("--reject", help="The task fails, for this reason.", metavar="WHY")
    early = flag("--early", help="If the task does not wait yet, keep the signal until it does.")
    by = text("--by", help="Who gives it, for the audit; by default user@host.", metavar="WHO")


def signal(terminal: Terminal, options: SignalOptions) -> int:
    """Give a signal; 1 when it is refused (nothing waits, or its value does not fit), 2 for an unknown run."""
    words = list(options.words)
    least = 1 if options.key is not None else 2
    if not least <= len(words) <= least + 1:
        shape = "NODE [JSON] beside --key" if least == 1 else "ID NODE [JSON]"
        raise UsageError(f"expected {shape}, got {' '.join(words) or 'nothing'}")
    given = words[least:]
    if given and options.reject is not None:
        raise UsageError("--reject says why the task fails, so it has no result: leave the JSON out")
    value = _value(given[0]) if given else None
    selinon = flows_of(terminal, options.app, ())
    from selinon_core.celery.steering import Signals
    from selinon_core.errors import RequestError, UnknownRunError

    signals, node = Signals(selinon), words[least - 1]
    try:
        id = full_id(selinon, words[0]) if options.key is None else signals.run_of_key(options.key)
        with asking_broker(terminal, selinon.app):
            sent = signals.signal(id, node, value, reject=options.reject, by=options.by, early=options.early)
    except UnknownRunError:
        raise  # as a name that is not known
    except RequestError as error:  # as every action on a flow run: the command line itself is not wrong
        terminal.error(str(error))
        return EXIT_FINDINGS
    what = "rejected" if options.reject is not None else "gave the signal for"
    named = f"{sent.node} ({sent.node_id})" if sent.node_id else f"{sent.node}, which is kept until it waits"
    terminal.data(f"{what} {named} of {sent.id}\n")
    return EXIT_OK


def _value(text: str) -> Any:
    from selinon_cli.run_inputs import parse_json

    try:
        return parse_json(text)
    except ValueError as error:
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise UsageError(
            f"{shown!r} is not JSON: {error}", "a text has quotes of its own: selinon signal ID NODE '\"yes\"'"
        ) from None


COMMAND = Command(
    "signal",
    "Give a task that waits its result, or reject what it waits for.",
    signal,
    options=SignalOptions,
    examples=(
        "selinon signal 3f2a Approve '{\"ok\": true}'",
        "selinon signal 3f2a Approve --reject 'too dear'",
        "selinon signal --key order-7 Paid '{\"amount\": 80}' --early",
    ),
)
