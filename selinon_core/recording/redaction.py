"""Secrets of a recorded run: equal ones become equal stand-ins, wherever they occur.

What stands under a redacted key is replaced there, and everywhere else where it is repeated: in arguments that a
result was handed on as, and in the messages of errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.errors import ConfigurationError, RequestError
from selinon_core.plan import EdgePlan, FailurePlan, Plan, TaskPlan
from selinon_core.plan.model import ForeachItems
from selinon_core.plan.text_wrap import ends_text
from selinon_core.predicates.values import MISSING, field
from selinon_core.recording.reads import Path, Read, Reads
from selinon_core.recording.run_data import RunData
from selinon_core.recording.unknown import UNKNOWN
from selinon_core.runtime.facts import EdgeConsidered
from selinon_core.runtime.redaction import MASK, SHORTEST, Redaction, any_of
from selinon_core.schemas.check import ResultSchema


class Hidden(NamedTuple):
    """A value that is not to be written: ``path`` in the result of the node ``node``, None for the arguments."""

    node: str | None
    path: Path
    value: Any

    @property
    def text(self) -> str:
        """Its place, for people."""
        return ".".join(map(str, ("args" if self.node is None else self.node, *self.path)))


class Secrets:
    """What is to be hidden in one run, and what stands for it.

    ``patterns`` are as in ``global.redact``, perhaps with ``$.`` in front; ``keep`` are exceptions from them.
    """

    def __init__(self, patterns: Sequence[str], keep: Sequence[str] = ()) -> None:
        self._hides = Redaction(tuple(map(_plain, patterns)))
        self._keeps = Redaction(tuple(map(_plain, keep)))
        self._stand_ins: dict[tuple[type, Any], Any] = {}
        self._texts: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def found_in(self, value: Any, node: str | None) -> Iterator[Hidden]:
        """The hidden places of a value: those under a key that is to be redacted, and masks of an earlier one."""
        yield from self._found(value, node, () if node is None else self._hides.steps(node), ())

    def _found(self, value: Any, node: str | None, above: tuple[str, ...], path: Path) -> Iterator[Hidden]:
        is_whole = node is not None and not path and self._is_hidden((), above)
        if is_whole or (isinstance(value, str) and value == MASK):
            yield Hidden(node, path, value)
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                steps = self._hides.steps(str(key))
                if self._is_hidden(above, steps):
                    yield Hidden(node, (*path, key), inner)
                else:
                    yield from self._found(inner, node, above + steps, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from self._found(inner, node, above, (*path, index))

    def _is_hidden(self, above: tuple[str, ...], steps: tuple[str, ...]) -> bool:
        return self._hides.hides(above, steps) and not self._keeps.hides(above, steps)

    def keeps(self, key: str) -> bool:
        """Whether what stands under a key is an exception, on top of a value."""
        return self._keeps.hides((), self._keeps.steps(key))

    def learn(self, hidden: Hidden) -> None:
        """Give the scalars of a hidden value their stand-ins."""
        for scalar in _scalars(hidden.value):
            self.learn_scalar(scalar)

    def learn_scalar(self, scalar: Any, stand_in: Any = None) -> None:
        """Give one text or number a stand-in; ``stand_in`` replaces an earlier one."""
        key = (type(scalar), scalar)
        if isinstance(scalar, bool) or scalar is None or (key in self._stand_ins and stand_in is None):
            return
        if stand_in is None:
            number = len(self._stand_ins) + 1
            stand_in = f"redacted-{number}" if isinstance(scalar, str) else type(scalar)(number)
        self._stand_ins[key] = stand_in
        text = str(scalar)
        if len(text) >= SHORTEST and text != MASK:
            self._texts[text] = str(stand_in)
        self._pattern = None

    @property
    def texts(self) -> Iterator[str]:
        """The secrets that must not occur in anything that is written."""
        return iter(self._texts)

    def replaced(self, value: Any) -> Any:
        """A copy of a JSON value with stand-ins in place of secrets, wherever they occur in it."""
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.replaced(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.replaced(item) for item in value]
        if isinstance(value, str):
            known = self._stand_ins.get((str, value)) if value else None
            return self.text(value) if known is None else known
        if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in self._texts:
            return self._stand_ins.get((type(value), value), value)
        return value

    def hidden(self, value: Any, node: str | None) -> Any:
        """As ``replaced``; short secrets too, which are replaced only where they are hidden."""
        for place in self.found_in(value, node):
            value = _with(value, place.path, self._stand_in(place.value))
        return self.replaced(value)

    def _stand_in(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._stand_in(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._stand_in(item) for item in value]
        if isinstance(value, bool):
            return False
        return self._stand_ins.get((type(value), value), value)

    def text(self, text: str) -> str:
        """A text without the secrets in it."""
        if not self._texts:
            return text
        if self._pattern is None:
            self._pattern = any_of(self._texts)
        return self._pattern.sub(lambda found: self._texts[found.group()], text)


def redact(
    data: RunData,
    secrets: Secrets,
    reads: Reads,
    schema_of: Callable[[TaskPlan], ResultSchema | None],
) -> None:
    """Replace the secrets in the values of a run.

    Raises ``RequestError`` naming the first redacted value by which something was decided.
    """
    places = list(_places(data, secrets))
    _check_deciding(data, places, reads)
    for place in places:
        secrets.learn(place)
    for name, schema in _schemas(data, schema_of).items():
        _fit(name, schema, data, secrets)
    data.args = secrets.hidden(data.args, None)
    for node in data.nodes:
        for part in ("args", "result", "output"):
            value = getattr(node, part)
            if value is not UNKNOWN:
                setattr(node, part, secrets.hidden(value, node.name if part != "args" else None))
        if node.error is not None:
            node.error = (node.error[0], secrets.text(node.error[1]))
        node.failures = [None if one is None else (one[0], secrets.text(one[1])) for one in node.failures]
    for each in data.foreach:
        each.items[:] = [secrets.hidden(item, None) for item in each.items]


def _places(data: RunData, secrets: Secrets) -> Iterator[Hidden]:
    yield from secrets.found_in(data.args, None)
    for node in data.nodes:
        if node.args is not UNKNOWN:  # those of a task decide nothing
            found = secrets.found_in(node.args, None)
            yield from (place._replace(node=f"args of {node.name}") for place in found) if node.is_task else found
        for value in (node.result, node.output):
            if value is not UNKNOWN:
                yield from secrets.found_in(value, node.name)
    for each in data.foreach:
        for item in each.items:
            yield from secrets.found_in(item, None)


def _check_deciding(data: RunData, places: Sequence[Hidden], reads: Reads) -> None:
    """Refuse a hidden value that a decision looked at."""
    if not places:
        return
    for fact in data.decisions:
        entry: EdgePlan | FailurePlan = fact.edge if isinstance(fact, EdgeConsidered) else fact.failure
        found = list(reads.of_condition(entry.condition)) if fact.condition is not None else []
        if isinstance(entry, EdgePlan) and isinstance(entry.foreach, ForeachItems):
            found += reads.of_expression(entry.foreach.expression)
        for read in found:
            for place in places:
                if place.node == read.node and _overlap(place.path, read.path) and _is_seen(place.path, read):
                    raise RequestError(
                        f"{place.text} is redacted, and it decides {_text(entry)} ({read.place}): keep it with "
                        f"--keep {place.path[-1] if place.path else place.node}, or do not record this run"
                    )


def _text(entry: EdgePlan | FailurePlan) -> str:
    if isinstance(entry, EdgePlan):
        return ends_text(entry.sources, entry.destinations)
    return f"the failures entry of {', '.join(entry.nodes)}"


def _is_seen(place: Path, read: Read) -> bool:
    """Whether a decision changes with a value at a place: its type stays the same, and all that is above it."""
    return read.of_value or len(place) < len(read.path)


def _overlap(one: Path, other: Path) -> bool:
    return all(mine == others for mine, others in zip(one, other, strict=False))


def _schemas(data: RunData, schema_of: Callable[[TaskPlan], ResultSchema | None]) -> dict[str, ResultSchema]:
    plan: Plan = data.view.plan
    found = {}
    for name in {node.name for node in data.nodes if node.is_task}:
        schema = schema_of(plan.tasks[name])
        if schema is not None:
            found[name] = schema
    return found


def _fit(name: str, schema: ResultSchema, data: RunData, secrets: Secrets) -> None:
    """Give secrets stand-ins that the schema of a task lets pass, where the ordinary ones are refused."""
    for node in data.nodes:
        if node.name != name or node.result is UNKNOWN or node.result is None:
            continue
        try:
            if schema.fits(secrets.hidden(node.result, name)) or not schema.fits(node.result):
                continue
            least = schema.minimal_value()
        except ConfigurationError:
            return
        for place in secrets.found_in(node.result, name):
            allowed = field(least, list(place.path))
            if allowed is not MISSING and type(allowed) is type(place.value):
                secrets.learn_scalar(place.value, allowed)


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _scalars(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _scalars(inner)
    elif value is not None:
        yield value


def _with(value: Any, path: Path, new: Any) -> Any:
    """A copy of a value with another one at a path."""
    if not path:
        return new
    step: Any = path[0]
    if isinstance(value, list):
        return [_with(item, path[1:], new) if index == step else item for index, item in enumerate(value)]
    return {key: _with(item, path[1:], new) if key == step else item for key, item in value.items()}


def _plain(pattern: str) -> str:
    """``$.customer.*`` as the patterns of ``global.redact`` have it."""
    return pattern.removeprefix("$").removeprefix(".")
