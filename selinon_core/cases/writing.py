"""Cases as the text of a case file: what explorations, coverage and recordings suggest.

Values are written as JSON in YAML's flow style, so that reading the text gives the same case again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from selinon_core.cases.deviations import deviation_data
from selinon_core.cases.matchers import flow_text, literal, written
from selinon_core.cases.model import (
    UNGIVEN,
    Case,
    Expect,
    Invariant,
    Mocks,
    NodeMock,
    Outcome,
    Script,
    Signal,
    When,
)
from selinon_core.cases.references import edge_text, fallback_text
from selinon_core.plan import Plan
from selinon_core.plan.text_wrap import ends_text

#: Expectations whose value is written as it is.
_AS_IT_IS = ("runs", "virtual_seconds", "snapshot", "ends", "same_as")
#: Texts that YAML 1.1 reads as something else.
_WORDS = ("true", "false", "yes", "no", "on", "off", "y", "n", "null")
_LISTS = ("ran", "not_ran", "unreached")
_BY_NODE = ("args", "parents", "results", "outputs", "errors", "statuses", "attempts", "started_at")


def case_file_text(cases: Iterable[Case], plan: Plan) -> str:
    """The text of a case file with these cases, each with its flow and its mocks.

    What a case has besides ``args``, ``env``, ``tags``, ``mocks``, ``tasks``, ``fail``, ``at``, ``durations``,
    ``timeout``, ``stand_ins``, ``seeds``, ``driver``, ``schedule``, ``expect`` and ``invariants`` is left out.
    """
    return "tests:\n" + entries_text(cases, plan)


def entries_text(cases: Iterable[Case], plan: Plan) -> str:
    """The entries of ``tests`` alone, as they can be put behind those of a file that is there."""
    return "".join(line + "\n" for case in cases for line in _case_lines(case, plan))


def _case_lines(case: Case, plan: Plan) -> Iterator[str]:
    yield f"  - name: {_plain(case.name)}"
    yield f"    flow: {_plain(case.flow)}"
    if case.args is not None:
        yield f"    args: {flow_text(literal(case.args))}"
    if case.env:
        yield f"    env: {flow_text(literal(dict(case.env)))}"
    if case.tags:
        yield f"    tags: {flow_text(list(case.tags))}"
    mocks = list(_mock_lines(case, plan))
    if mocks:
        yield "    mocks:"
        yield from mocks
    if case.tasks != "mocked":
        yield f"    tasks: {case.tasks}"
    if case.fail:
        yield f"    fail: {flow_text([n if t is None else f'{n}:{t}' for n, t in case.fail.items()])}"
    if case.at:
        yield f"    at: {flow_text([_event(seconds, what) for seconds, what in case.at])}"
    if case.durations:
        yield f"    durations: {flow_text(case.durations)}"
    if case.timeout is not None:
        yield f"    timeout: {flow_text(case.timeout)}"
    if case.stand_ins != "fail":
        yield f"    stand_ins: {case.stand_ins}"
    if case.driver != "local":
        yield f"    driver: {case.driver}"
    if case.schedule:
        yield "    schedule:"
        for deviation in case.schedule:
            ((kind, about),) = deviation_data(deviation).items()
            yield f"      - {kind}: {_plain(about) if isinstance(about, str) else flow_text(about)}"
    if case.seeds != (0,):
        yield f"    seeds: {flow_text(list(case.seeds))}"
    yield f"    expect: {flow_text(dict(_expectations(case.expect)))}"
    if case.invariants:
        yield "    invariants:"
        for invariant in case.invariants:
            yield f"      - {flow_text(_invariant(invariant))}"


def _invariant(invariant: Invariant) -> dict[str, Any]:
    value = invariant.value
    flow = {} if invariant.flow is None else {"flow": invariant.flow}
    about: dict[str, Any] = {invariant.kind: value}
    if invariant.kind == "function":
        module, _, function = value.rpartition(".")
        about = {"import": module, "function": function}
    elif invariant.kind == "if_then":
        about = {key: dict(statuses) for key, statuses in value.items()}
    elif invariant.kind == "before":
        about = {"before": {node: list(causes) for node, causes in value.items()}}
    elif invariant.kind == "never_both":
        about = {"never_both": list(value)}
    return {"name": invariant.name, **flow, **about}


def _event(seconds: float, what: str | Signal) -> dict[str, Any]:
    if isinstance(what, str):
        return {"at": seconds, what: True}
    given = {"value": literal(what.value)} if what.reject is None else {"reject": what.reject}
    return {"at": seconds, "signal": what.node, **given, **({"early": True} if what.early else {})}


def _plain(text: str) -> str:
    """A text without quotes where YAML reads it as the same text."""
    is_plain = re.fullmatch(r"[A-Za-z_][\w.]*(?:,? [A-Za-z_][\w.]*)*", text) is not None
    return text if is_plain and text.lower() not in _WORDS else flow_text(text)


def _mock_lines(case: Case, plan: Plan) -> Iterator[str]:
    mocks = case.mocks
    for name, mock in mocks.nodes.items():
        yield from _node_lines(name, mock)
    if mocks.functions:
        yield "      functions:"
    for name, function in mocks.functions.items():
        returned = [literal(value) for value in function.values]
        yield f"        {_plain(name)}: {flow_text(returned[0] if len(returned) == 1 else {'calls': returned})}"
    if mocks.conditions:
        yield "      conditions:"
    for text, values in _conditions(mocks, plan).items():
        yield f"        {flow_text(text)}: {flow_text(values[0] if len(values) == 1 else values)}"


def _conditions(mocks: Mocks, plan: Plan) -> dict[str, tuple[bool, ...]]:
    found = {}
    for mock in mocks.conditions:
        flow = plan.flows[mock.flow]
        text = fallback_text(flow.failures[mock.edge]) if mock.is_fallback else edge_text(flow.edges[mock.edge])
        found[f"{mock.flow}/{text}"] = mock.values
    return found


def _node_lines(name: str, mock: NodeMock) -> Iterator[str]:
    if len(mock.rules) == 1 and mock.rules[0].when is None:
        yield f"      {_plain(name)}: {flow_text(_script(mock.rules[0].script))}"
        return
    yield f"      {_plain(name)}:"
    for rule in mock.rules:
        if rule.when is None:
            yield f"        - {flow_text({'otherwise': _script(rule.script)})}"
        else:
            yield f"        - {flow_text({'when': _when(rule.when), 'then': _script(rule.script)})}"


def _when(when: When) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if when.flow is not None:
        data["flow"] = when.flow
    for key in ("args", "visit", "attempt"):
        matcher = getattr(when, key)
        if matcher is not None:
            data[key] = written(matcher)
    if when.parent:
        data["parent"] = {name: written(matcher) for name, matcher in when.parent.items()}
    return data


def _script(script: Script) -> Any:
    outcomes = [_outcome(outcome) for outcome in script.outcomes]
    if script.per_run:
        return {"attempts": outcomes}
    return outcomes[0] if len(outcomes) == 1 else outcomes


def _outcome(outcome: Outcome) -> dict[str, Any]:
    data: dict[str, Any] = {} if outcome.value is UNGIVEN else {outcome.kind: literal(outcome.value)}
    if outcome.after:
        data["after"] = outcome.after
    if outcome.times != 1:
        data["times"] = outcome.times
    if outcome.check != "strict":
        data["check"] = outcome.check
    return data


def _expectations(expect: Expect) -> Iterator[tuple[str, Any]]:
    if expect.same_as is None or expect.status.place is not None:
        yield "status", expect.status.value
    if expect.reason is not None:
        yield "reason", written(expect.reason.value)
    if expect.output is not None:
        yield "output", written(expect.output.value)
    for key in _AS_IT_IS:
        expected = getattr(expect, key)
        if expected is not None:
            yield key, expected.value
    for key in _LISTS:
        expected = getattr(expect, key)
        if expected is not None:
            yield key, dict(expected.value) if isinstance(expected.value, Mapping) else list(expected.value)
    if expect.order is not None:
        yield "order", [list(chain) for chain in expect.order.value]
    for key in _BY_NODE:
        of_nodes: Mapping[str, Any] = getattr(expect, key)
        if of_nodes:
            yield key, {name: _matchers(expected.value) for name, expected in of_nodes.items()}
    if expect.fallbacks is not None:
        yield (
            "fallbacks",
            [ends_text(nodes, ("true",) if used is True else used) for nodes, used in expect.fallbacks.value],
        )
    if expect.edges:
        yield "edges", {name: dict(expected.value) for name, expected in expect.edges.items()}


def _matchers(value: Any) -> Any:
    return [written(one) for one in value] if isinstance(value, tuple) else written(value)
