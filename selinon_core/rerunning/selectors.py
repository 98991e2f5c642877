"""Selectors: words that pick node runs of a recorded run, never nodes of the graph.

The lineages of node runs have no cycles even where their flow has, and the members of a foreach are runs like any
other. So everything behind or before a run is well defined, and one member of a foreach can be picked alone.

Grammar::

    selector   =  word { "," word }          the runs that all words pick
    word       =  [ [N] "+" ] atom [ "+" [N] ]   with what led to them (N levels), with what depends on them
    atom       =  NAME  FLOW/NAME  NAME#2    as references of ``runtime.lineage``; * ? [..] match names
                |  state:STATE  flow:FLOW  tag:TAG  queue:QUEUE  class:CLASS  error:TYPE
                |  args.KEY=VALUE  changed

Several selectors are united. ``NAME`` means the flow that was asked for, ``*/NAME`` every flow below it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from selinon_core.diagnostics.wording import did_you_mean, suggestion
from selinon_core.errors import RequestError
from selinon_core.explaining.run_view import RunView
from selinon_core.plan import Plan
from selinon_core.runtime.trace.run_records import NodeRecord

STATES = ("failed", "success", "reused", "unfinished", "handled")
_METHODS = ("state", "flow", "queue", "class", "error", "tag")
_GLOB = re.compile(r"[*?\[]")
_WORD = re.compile(r"(?:(?P<up>\d*)\+)?(?P<atom>[^+]*(?:\+(?!\d*$)[^+]*)*)(?:\+(?P<down>\d*))?", re.DOTALL)


class SelectorError(RequestError):
    """Raised for a selector that cannot be read, or names what did not run; ``hint`` says what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Word(NamedTuple):
    """One word: ``method`` is empty for names. ``up`` and ``down`` are levels; None: none, -1: all."""

    text: str
    method: str
    value: str
    key: str = ""
    up: int | None = None
    down: int | None = None


#: The words of a selector, whose runs are intersected.
Selector = tuple[Word, ...]


def parse_selectors(texts: Iterable[str]) -> list[Selector]:
    """The selectors in texts; spaces part several in one text. Raises ``SelectorError``."""
    return [_selector(part) for text in texts for part in _parts(text)]


def _parts(text: str) -> list[str]:
    parts = text.split()
    if not parts:
        raise SelectorError("a selector is empty", "write the name of a node, or state:failed")
    return parts


def _selector(text: str) -> Selector:
    words = text.split(",")
    if not all(words):
        raise SelectorError(f"selector {text!r}: there is nothing between two commas, or at an end")
    return tuple(_word(word, text) for word in words)


def _word(text: str, whole: str) -> Word:
    found = _WORD.fullmatch(text)
    atom = "" if found is None else found["atom"]
    if found is None or not atom:
        raise SelectorError(
            f"selector {whole!r}: {text!r} has no name", "+NAME, NAME+, 2+NAME and NAME+1 need one"
        )
    up, down = _levels(found["up"]), _levels(found["down"])
    if atom == "changed":
        return Word(text, "changed", "", "", up, down)
    if atom.startswith("args."):
        key, equals, value = atom[len("args.") :].partition("=")
        if not key or not equals:
            raise SelectorError(f"selector {whole!r}: {atom!r} says no value", "write args.KEY=VALUE")
        return Word(text, "args", value, key, up, down)
    method, colon, value = atom.partition(":")
    if not colon:
        return Word(text, "", _name(atom, whole), "", up, down)
    if method not in _METHODS:
        meant = suggestion(method, _METHODS) or f"known are: {', '.join(_METHODS)}"
        raise SelectorError(f"selector {whole!r}: there is no {method}:", meant)
    if not value:
        raise SelectorError(f"selector {whole!r}: {method}: names nothing")
    if method == "state" and value not in STATES:
        raise SelectorError(
            f"selector {whole!r}: there is no state {value!r}",
            suggestion(value, STATES) or f"known are: {', '.join(STATES)}",
        )
    return Word(text, method, value, "", up, down)


def _name(atom: str, whole: str) -> str:
    name, mark, number = atom.rpartition("#")
    if mark and (not name or not (number.isascii() and number.isdigit()) or int(number[:9]) == 0):
        raise SelectorError(
            f"selector {whole!r}: {atom!r} has no number after #", "NAME#2 is the second run of NAME"
        )
    return atom


def _levels(text: str | None) -> int | None:
    return None if text is None else int(text[:9]) if text else -1


class Picker:
    """Picks node runs of one recorded run. What words look at is worked out once.

    ``handled`` are the failed runs that fallbacks took. ``changed`` tells whether a run is of a task, an edge or a
    flow that is defined otherwise now. ``records`` are the runs to pick from: those of the last attempts.
    """

    def __init__(
        self,
        seen: RunView,
        plan: Plan,
        records: Sequence[NodeRecord],
        handled: Collection[str],
        changed: Callable[[NodeRecord], str | None],
    ) -> None:
        self._seen = seen
        self._plan = plan
        self._records = records
        self._handled = handled
        self._changed = changed
        self._ids = {record.run.id for record in records}
        self._below: dict[str, list[NodeRecord]] | None = None
        #: what was picked by its name, and not by its state or the like
        self.named: set[str] = set()

    def pick(self, selectors: Iterable[Selector]) -> set[str]:
        """The ids of all runs that some selector picks. Raises ``SelectorError`` for a name that did not run."""
        found: set[str] = set()
        for words in selectors:
            picked = [self._picked(word) for word in words]
            found |= set.intersection(*picked)
        return found

    def _picked(self, word: Word) -> set[str]:
        records = self._atom(word)
        picked = {record.run.id for record in records}
        if word.up is not None:
            picked |= self._walk(records, word.up, self._before)
        if word.down is not None:
            picked |= self._walk(records, word.down, self._behind)
        return picked

    def _atom(self, word: Word) -> list[NodeRecord]:
        if not word.method:
            found = self._named(word)
            self.named.update(record.run.id for record in found)
            return found
        if word.method == "flow":
            self._check_flow(word)
        if word.method == "tag":
            self._check_tag(word)
        matches = _MATCHES[word.method]
        return [record for record in self._records if matches(self, record, word)]

    # -- names --------------------------------------------------------------------------------------------------

    def _named(self, word: Word) -> list[NodeRecord]:
        if not _GLOB.search(word.value):
            found = [record for record in self._seen.runs_of(word.value) if record.run.id in self._ids]
            if not found:
                raise self._unknown(word)
            return found
        flow, slash, name = word.value.rpartition("/")
        root = self._seen.root
        found = [
            record
            for record in self._records
            if fnmatchcase(record.run.name, name)
            and (_fits_flow(record, flow) if slash else record.flow_run is root)
        ]
        if not found:
            raise SelectorError(f"selector {word.text!r}: no node run fits", self._elsewhere(name))
        return found

    def _elsewhere(self, name: str) -> str:
        below = sorted({r.flow_run.flow.name for r in self._records if fnmatchcase(r.run.name, name)})
        return f"in flow {', '.join(below)} there are some: {below[0]}/{name}" if below else ""

    def _unknown(self, word: Word) -> SelectorError:
        path, slash, rest = word.value.rpartition("/")
        name, _, number = rest.partition("#")
        alike = self._seen.runs_of(f"{path}{slash}{name}")
        if number and alike:
            text = f"selector {word.text!r}: {path}{slash}{name} has {len(alike)} run{'s' * (len(alike) > 1)}"
            return SelectorError(text, f"write {path}{slash}{name}#1" if len(alike) == 1 else "")
        elsewhere = sorted({r.flow_run.flow.name for r in self._records if r.run.name == name})
        if elsewhere and not slash:
            return SelectorError(
                f"selector {word.text!r}: {name} did not run in flow {self._seen.root.flow.name}",
                f"it ran in {', '.join(elsewhere)}: {elsewhere[0]}/{name}",
            )
        known = {record.run.name for record in self._records}
        meant = did_you_mean(name, known)
        if meant is not None:
            return SelectorError(f"selector {word.text!r}: no node {name} ran", f"did you mean {meant}?")
        listed = ", ".join(sorted(known)[:10]) + (", ..." if len(known) > 10 else "")
        return SelectorError(f"selector {word.text!r}: no node {name} ran", f"these ran: {listed or 'none'}")

    def _check_flow(self, word: Word) -> None:
        names = {record.flow_run.flow.name for record in self._records}
        if not any(fnmatchcase(name, word.value) for name in names):
            raise SelectorError(
                f"selector {word.text!r}: no flow {word.value} ran",
                suggestion(word.value, sorted(names)) or f"these ran: {', '.join(sorted(names))}",
            )

    def _check_tag(self, word: Word) -> None:
        tags = {
            tag for part in (self._plan.tasks, self._plan.flows) for node in part.values() for tag in node.tags
        }
        if not any(fnmatchcase(tag, word.value) for tag in tags):
            raise SelectorError(
                f"selector {word.text!r}: no task and no flow has the tag {word.value}",
                suggestion(word.value, sorted(tags))
                or (
                    f"known are: {', '.join(sorted(tags))}"
                    if tags
                    else "tags are written as tags: [..] of a task or a flow"
                ),
            )

    # -- what else words look at --------------------------------------------------------------------------------

    def _has_state(self, record: NodeRecord, word: Word) -> bool:
        return state_of(record, self._handled) == word.value

    def _is_in_flow(self, record: NodeRecord, word: Word) -> bool:
        return fnmatchcase(record.flow_run.flow.name, word.value)

    def _has_tag(self, record: NodeRecord, word: Word) -> bool:
        known: Any = self._plan.tasks.get(record.run.name) or self._plan.flows.get(record.run.name)
        return known is not None and any(fnmatchcase(tag, word.value) for tag in known.tags)

    def _has_queue(self, record: NodeRecord, word: Word) -> bool:
        known: Any = self._plan.tasks.get(record.run.name) or self._plan.flows.get(record.run.name)
        return known is not None and fnmatchcase(known.queue, word.value)

    def _has_class(self, record: NodeRecord, word: Word) -> bool:
        task = self._plan.tasks.get(record.run.name)
        if task is None or task.function is None:
            return False
        return any(fnmatchcase(text, word.value) for text in (task.function.name, str(task.function)))

    def _has_error(self, record: NodeRecord, word: Word) -> bool:
        if record.error is None:
            return False
        names = {type(record.error).__name__, (self._seen.error(record) or "").partition(":")[0]}
        return any(fnmatchcase(name, word.value) for name in names)

    def _has_args(self, record: NodeRecord, word: Word) -> bool:
        from selinon_core.dispatch.references import shown

        value = shown(record.run.args)
        for step in word.key.split("."):
            if isinstance(value, dict) and step in value:
                value = value[step]
            elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                return False
        return bool(value == word.value or value == _json_or_text(word.value))

    def _is_changed(self, record: NodeRecord, word: Word) -> bool:
        return self._changed(record) is not None

    # -- before and behind --------------------------------------------------------------------------------------

    def _walk(
        self, records: Iterable[NodeRecord], levels: int, step: Callable[[NodeRecord], Iterable[NodeRecord]]
    ) -> set[str]:
        found: set[str] = set()
        now = list(records)
        while now and levels:
            levels -= 1
            new = []
            for record in now:
                for other in step(record):
                    if other.run.id not in found:
                        found.add(other.run.id)
                        new.append(other)
            now = new
        return found & self._ids

    def _before(self, record: NodeRecord) -> Iterable[NodeRecord]:
        """What a run came from; of one that begins a sub-flow, what the sub-flow came from."""
        return [self._seen.by_id[run.id] for run in _sources(record) if run.id in self._seen.by_id]

    def _behind(self, record: NodeRecord) -> Iterable[NodeRecord]:
        """What came from a run, or from the sub-flows that it is in."""
        if self._below is None:
            self._below = {}
            for other in self._records:
                for run in other.run.sources:
                    self._below.setdefault(run.id, []).append(other)
        found: list[NodeRecord] = []
        inside: NodeRecord | None = record
        while inside is not None:
            found += self._below.get(inside.run.id, ())
            inside = inside.flow_run.node
        return found


def state_of(record: NodeRecord, handled: Collection[str]) -> str:
    """One of ``STATES``: a failed run that a fallback took is ``handled`` and not ``failed``."""
    status = record.run.status
    if status == "failure":
        return "handled" if record.run.id in handled else "failed"
    return "unfinished" if status == "active" else status


def _sources(record: NodeRecord) -> Iterable[Any]:
    inside: NodeRecord | None = record
    while inside is not None:
        if inside.run.sources:
            return inside.run.sources
        inside = inside.flow_run.node
    return ()


def _fits_flow(record: NodeRecord, flow: str) -> bool:
    return fnmatchcase(record.flow_run.flow.name, flow.removeprefix(">").rpartition(">")[2])


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


_MATCHES: dict[str, Callable[[Picker, NodeRecord, Word], bool]] = {
    "state": Picker._has_state,
    "flow": Picker._is_in_flow,
    "tag": Picker._has_tag,
    "queue": Picker._has_queue,
    "class": Picker._has_class,
    "error": Picker._has_error,
    "args": Picker._has_args,
    "changed": Picker._is_changed,
}
