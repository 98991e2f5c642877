"""A world to run flows in: who fails, what conditions say, what foreach yields. A pure function of the lineage.

Nothing here depends on time, ids or order: a run is told by its key (see ``reference.run_key``) and its
generation, so the same run behaves the same in every order of events.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from selinon_core.dispatch import FlowOutcome

#: From this generation on nothing fails and no condition holds, so that every flow ends.
LAST_GENERATION = 4


class Script(NamedTuple):
    """Chances are percentages. ``deferrals``: how often questions may be put off before they are answered."""

    seed: int = 0
    fails: int = 25
    holds: int = 60
    reused: int = 50
    question_fails: int = 0
    deferrals: int = 0
    refused: int = 15

    def _number(self, *what: Any) -> int:
        text = repr((self.seed, *what)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest(), "big")

    def _chance(self, percent: int, *what: Any) -> bool:
        return self._number(*what) % 100 < percent

    def node_fails(self, key: str, generation: int) -> bool:
        return generation < LAST_GENERATION and self._chance(self.fails, "node", key)

    def condition_holds(self, question: Any, generation: int) -> bool:
        return generation < LAST_GENERATION and self._chance(self.holds, question)

    def items(self, question: Any, generation: int) -> list[Any]:
        count = self._number(question) % 4 if generation < LAST_GENERATION else 0
        return [{"item": n} for n in range(count)]

    def given(self, question: Any, generation: int, destinations: tuple[str, ...], items: int) -> list[Any]:
        """What ``args`` give each item: what they say of it, an error, or a reason why one node cannot take it.

        One node may have defaults besides.
        """
        given: list[Any] = []
        for n in range(items):
            refused = generation < LAST_GENERATION and self._chance(self.refused, "refused", question, n)
            if refused and self._chance(50, "for all", question, n):
                given.append([1, "scripted"])
            elif refused:
                given.append(
                    [0, {"given": n}, {destinations[self._number(question, n) % len(destinations)]: "unfit"}]
                )
            else:
                given.append([0, {"given": self._number("args", question, n)}])
                if self._chance(30, "defaults", question, n):
                    name = destinations[self._number("filled", question, n) % len(destinations)]
                    given[-1] += [{}, 0, {name: [{"filled": self._number("args", question, n)}, 0]}]
        return given

    def output(self, question: Any) -> Any:
        return {"output": self._number(question)}

    def reused_id(self, question: Any) -> str | None:
        return f"earlier:{question}" if self._chance(self.reused, question) else None

    def question_breaks(self, question: Any) -> bool:
        return self._chance(self.question_fails, "breaks", question)

    def times_deferred(self, question: Any) -> int:
        return self._number("deferred", question) % (self.deferrals + 1)

    def outcome(self, key: str, succeeded: bool, depth: int = 2) -> FlowOutcome:
        """How a sub-flow ended: some tasks, and sub-flows with tasks down to ``depth``."""
        finished = self._tasks(key, "finished")
        failed = {} if succeeded else self._tasks(key, "failed")
        subflows: dict[str, list[FlowOutcome]] = {}
        if depth:
            for name in ("Inner", "Other"):
                for n in range(self._number(key, name, "runs") % 3):
                    inner_key = f"{key}/{name}{n}"
                    inner_ok = succeeded or self._chance(50, inner_key)
                    ended = self.outcome(inner_key, inner_ok, depth - 1)
                    subflows.setdefault(name, []).append(ended)
                    (finished if inner_ok else failed).setdefault(name, []).append(inner_key)
        return FlowOutcome(succeeded, finished, failed, [], subflows, None if succeeded else "scripted")

    def _tasks(self, key: str, kind: str) -> dict[str, list[str]]:
        tasks: dict[str, list[str]] = {}
        for name in ("T", "U"):
            ids = [f"{key}/{kind}{name}{n}" for n in range(self._number(key, kind, name) % 3)]
            if ids:
                tasks[name] = ids
        return tasks
