"""What the world does in one run: who fails, what results are, what functions return. Every choice is made once.

Choices are known by node and visit (the first run of a node, the second, ...), not by edges or order. So two
versions of a flow can run in the same environment, and a case file can say the same with mocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.exploring.leaf_truths import Truths
from selinon_core.exploring.tape import Tape

#: A node run: its node and its visit, from 1.
Visit = tuple[str, int]
#: What a set of worlds or a free truth belongs to: a visit, the arguments, or an environment variable.
Variable = Any

SUCCEEDS, FAILS = 0, 1
#: The first part of the variables that are environment variables; that of a visit is a node.
VARIABLE = "environment variable "


class Environment:
    """The choices of one run, made with ``tape`` when they are first asked for.

    ``masks``: the worlds that are left of a variable. ``free``: truths of functions that are not judged.
    ``ends``: how node runs end, a number for a task or the observation of a sub-flow. ``items``: how many items
    a foreach function returned, call by call, and how many an expression gives for the visits of its sources.
    ``failures``: the visits that failed. ``cost`` counts failures of tasks and time-outs, in sub-flows too.
    """

    __slots__ = ("cost", "ends", "failures", "free", "items", "masks", "reuses", "tape")

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.masks: dict[Variable, int] = {}
        self.free: dict[Any, bool] = {}
        self.ends: dict[Visit, Any] = {}
        self.items: dict[Any, int] = {}
        self.reuses: dict[Visit, bool] = {}
        self.failures: list[Visit] = []
        self.cost = 0

    def holds(self, variable: Variable, truths: Truths) -> bool:
        """Whether a leaf holds for a variable; leaves fewer worlds to it if both could be."""
        mask = self.masks.get(variable, truths.all)
        yes = mask & truths.true
        if not yes:
            return False
        if yes != mask:
            if self.tape.choose(2):
                self.masks[variable] = mask & ~yes
                return False
            self.masks[variable] = yes
        return True

    def variables(self) -> dict[Variable, int]:
        """The worlds that are left of the environment variables, which sub-flows see as well."""
        return {key: mask for key, mask in self.masks.items() if key[0] == VARIABLE}

    def is_free(self, key: Any) -> bool:
        """The truth of a function that is not judged."""
        known = self.free.get(key)
        if known is None:
            known = self.free[key] = not self.tape.choose(2)
        return known

    def items_of(self, key: Any, alternatives: tuple[int, ...]) -> int:
        """How many items a call of a foreach function returns, or an expression gives."""
        known = self.items.get(key)
        if known is None:
            known = self.items[key] = alternatives[self.tape.choose(len(alternatives))]
        return known

    def items_within(
        self,
        key: Any,
        alternatives: tuple[int, ...],
        variable: Variable,
        every: int,
        fitting: Mapping[int, int],
    ) -> int:
        """As ``items_of`` for a list in a variable: ``fitting`` has the worlds in which it may be so long."""
        known = self.items.get(key)
        if known is not None:
            return known
        mask = self.masks.get(variable, every)
        possible = tuple(length for length, worlds in fitting.items() if worlds & mask)
        count = self.items_of(key, possible or alternatives)
        if possible:
            self.masks[variable] = mask & fitting[count]
        return count

    def is_reused(self, visit: Visit) -> bool:
        """Whether a selective run function names an earlier run."""
        known = self.reuses.get(visit)
        if known is None:
            known = self.reuses[visit] = bool(self.tape.choose(2))
        return known
