"""``notify`` of the section ``global``: who hears of flow runs that need a look."""

from __future__ import annotations

from typing import Any

from selinon_core.config.model import NotifyDef
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via
from selinon_core.config.schema.common import FUNCTION_NAME, MODULE, Function, FunctionDef, import_def
from selinon_core.config.schema.mapping import Key, ListOf, MappingType
from selinon_core.config.schema.types import Choice, JsonSchema, Number, OneOrMore, Text, ValueType
from selinon_core.config.yaml.nodes import Node
from selinon_core.diagnostics import Related, kinds

#: What notices are about: a run failed, a task waits for a signal, a run makes no progress.
OCCASIONS = ("failure", "review", "stuck")
#: Seconds without progress after which a run is stuck, where ``after`` is not given.
STUCK_AFTER = 3600.0


def _finish_function(reading: ReadContext, found: FunctionDef, raw: dict[str, Any]) -> bool:
    found.function = import_def(raw.get("import"), raw.get("name"), "", None)
    return True


NOTIFY_FUNCTION = MappingType(
    "a notify function",
    FunctionDef,
    (
        Key("import", MODULE, "the module holding the function", required=True),
        Key("name", FUNCTION_NAME, "called with the notice, a mapping", required=True),
    ),
    finish=_finish_function,
    text="A function that gets every notice.",
)


def _finish(reading: ReadContext, notify: NotifyDef, raw: dict[str, Any]) -> bool:
    notify.whole = BROKEN not in raw.values() and bool(notify.on and (raw.get("webhook") or raw.get("function")))
    if "function" not in raw:
        url = notify.webhook
        if url is not None and "{" not in url.name and not url.name.startswith(("http://", "https://")):
            reading.collector.add(
                kinds.WRONG_VALUE,
                notify.key_location("webhook"),
                "webhook is not the URL of a web server",
                note='expected "http://..." or "https://..."',
            )
            notify.whole = False
        return True
    for key, why in (
        ("webhook", "an entry has a webhook or a function: write two entries"),
        ("secret", "nothing is signed for a function"),
    ):
        if key in raw:
            _conflict(reading, notify, key, why)
    if "stuck" in notify.on:
        why = "a run that no dispatcher advances is noticed where no code of the project runs: give a webhook"
        _conflict(reading, notify, "function", why, '"on: stuck"')
    return True


def _conflict(reading: ReadContext, notify: NotifyDef, key: str, why: str, shown: str = "") -> None:
    shown = shown or f'"{key}"'
    notify.whole = False
    reading.collector.add(
        kinds.CONFLICTING_KEYS,
        notify.key_location(key),
        f'{shown} and "function" in a notification',
        note=why,
        related=(Related(notify.key_location("function").span, "the function is given here"),),
    )


NOTIFY = MappingType(
    "a notification",
    NotifyDef,
    (
        Key(
            "on",
            OneOrMore(Choice(*OCCASIONS), "one or more of " + ", ".join(OCCASIONS), nonempty=True),
            "what the notices are about: a run failed, a task waits for a signal, a run makes no progress",
            "on",
            (),
            required=True,
            broken=(),
        ),
        Key(
            "flows",
            OneOrMore(Text("the name of a flow"), "a flow or a list of flows", nonempty=True),
            "of which flows, also where they are sub-flows; default: of all runs that are not of sub-flows",
            "flows",
            (),
            broken=(),
        ),
        Key("webhook", Text("a URL", nonempty=True), "the URL that gets each notice as JSON", "webhook"),
        Key("secret", Text("a secret", nonempty=True), "signs the notices for the webhook", "secret"),
        Key("function", Function(NOTIFY_FUNCTION), "a function that gets each notice", "function"),
        Key(
            "after",
            Number(positive=True),
            "seconds without progress after which a run is stuck; default: 3600",
            "after",
            STUCK_AFTER,
            broken=STUCK_AFTER,
        ),
    ),
    finish=_finish,
    one_of=("webhook", "function"),
    text="Tells a webhook or a function of flow runs that need a look.",
)


class Notifications(ValueType):
    """A list of notifications, as a tuple of ``NotifyDef``; one that cannot be used is not ``whole``."""

    expected = "a list of notifications"

    def __init__(self) -> None:
        self._list = ListOf(NOTIFY)

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> tuple[NotifyDef, ...] | Broken:
        found = self._list.read(reading, node, via, label)
        if isinstance(found, Broken):
            return BROKEN
        return tuple(each for each in found if isinstance(each, NotifyDef))

    def schema(self) -> JsonSchema:
        return self._list.schema()
