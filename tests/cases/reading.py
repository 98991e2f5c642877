"""Reading case files in tests: texts to cases and to what is said of them."""

from __future__ import annotations

from textwrap import dedent

from selinon_core.cases.model import Case
from selinon_core.diagnostics import Diagnostic
from selinon_core.plan import Plan
from selinon_core.project.case_files import read_case_text

FILE = "order.flowtest.yaml"

#: A case file in which every key of the language stands.
EVERY_KEY = """
flow: order
tags: [shop]
env: {STAGE: test}
x-data: &tea {number: 7, total: 81.0}
mocks:
  LoadOrder: {result: *tea}
  Ship: {result: {parcel: P-7}, check: none}
invariants:
  - {name: charged once, at_most: {Charge: 1}}
  - {name: shipped when charged, before: {Ship: [Charge, {edge: "A -> Ship"}]}}
  - {name: never both, never_both: [Refund, Restore], flow: payment}
  - {name: money back, if: {Charge: success, status: failure}, then: {Refund: success}}
  - {name: own, import: checks, function: one_charge}
tests:
  - name: everything
    flow: payment
    args: {order: 1}
    env: {REGION: eu, TOKEN: null}
    tags: slow
    skip: too slow
    xfail: a bug
    mocks:
      Charge: [{error: "Busy: no"}, {fatal: stolen}, {retry: 5}, {after: 2, times: 3}]
      Refund: {attempts: [{error: "Busy: no"}, {result: 1}]}
      Ship:
        - {when: {args: {$type: int}, flow: order, visit: 2, attempt: 1, parent: {Charge: 1}}, then: {result: 1}}
        - {otherwise: [{result: 2}, {result: 3}]}
      inner: {finished: {Charge: [1, 2], Ship: 3}}
      outer: {failed: {Charge: "Busy: no"}}
      third: {error: "FlowError: no"}
      functions: {checks.items: [a, b], checks.is_big: {calls: [true, false]}}
      conditions: {again: true, "A -> B": [true, false]}
    tasks: real
    fail: [Charge:2, Ship]
    select: {tasks: [Charge], follow_subflows: true, run_subsequent: [order], reuse: everything}
    at: [{at: 5, cancel: true}]
    durations: {Charge: 2.5}
    timeout: 100
    max_steps: 1000
    stand_ins: allow
    seeds: [0, 3]
    driver: production
    schedule:
      - crash: {after: commit, in: reserve/ReserveItem#2}
      - store: {before: read, in: Charge#1, time: 2}
      - broker: {before: send, in: Charge#1}
      - pause: {after: commit, in: Charge#1}
      - twice: start payment#1
      - lost: {of: wake payment#1, time: 3}
      - poison: Charge#1
      - task: Charge#1
      - late: {of: wake payment#1, by: 30}
      - clock: {of: w2, by: -0.5}
      - first: {of: Charge#1, goes: Ship#1}
      - take: {of: Charge#1, by: w2}
      - takes: {of: Charge#1, seconds: 2.5}
    expect:
      status: failure
      reason: {$match: "no .* left"}
      ran: Ship
      not_ran: [Charge]
      order: [[A, B], [A, C]]
      args: {Charge: *tea}
      parents: {Ship: {Charge: {$any: true}}}
      results: {Charge: [1, 2]}
      errors: {Ship: "Busy: no"}
      statuses: {Ship: failure}
      attempts: {Charge: 2}
      started_at: {Charge: [0, 5]}
      fallbacks: [Charge -> Refund, "[A, B] -> true"]
      edges: {"[A, B] -> C": {considered: 1, fired: 0}, again: {fired: 1}}
      unreached: [Ship]
      warnings: [no storage]
      stored: {Orders: 2, Bills: {Charge: [1]}}
      virtual_seconds: {at_most: 100}
      snapshot: true
      ends: once
      same_as: undisturbed
    invariants: [{name: twice, exactly: {Charge: 2}}]
"""


def read(text: str, plan: Plan | None = None) -> tuple[tuple[Case, ...], list[Diagnostic]]:
    """The cases of an indented text, and what is wrong with it."""
    return read_case_text(dedent(text), FILE, plan)


def cases_of(text: str, plan: Plan | None = None) -> tuple[Case, ...]:
    """The cases of a text with which nothing is wrong."""
    cases, found = read(text, plan)
    assert found == []
    return cases


def case_of(text: str, plan: Plan | None = None) -> Case:
    """The one case of a text."""
    (case,) = cases_of(text, plan)
    return case


def wrong(text: str, plan: Plan | None = None) -> list[tuple[str, str, str]]:
    """What is wrong with a text: code, line and column, message."""
    _, found = read(text, plan)
    return [(one.code, f"{one.span.line}:{one.span.column}", one.message) for one in found]
