"""The abstract states of a flow with cycles, and whether its end can be reached from all of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from selinon_core.exploring.tape import Tape
from selinon_core.plan.components import components

_END, _UNKNOWN = "end", "unknown"


class StateGraph:
    """States as numbers, and the steps that were seen between them.

    A step in which a node run failed does not lead out of a cycle: a task may fail, but a flow whose only end is a
    failure goes on for ever as long as all is well.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._steps: dict[int, set[int | str]] = {}
        self._first: dict[int, tuple[int, ...]] = {}
        self._active: dict[int, tuple[str, ...]] = {}
        self.has_lasso = False

    def add(self, states: Sequence[tuple[Hashable, int]], end: str, cost: int, tape: Tape) -> bool:
        """Add the states of one run with the failures until each, and how it ended with how many in all.

        Returns whether the last state was there before, so that a cut run misses nothing new.
        """
        numbers = []
        is_seen = False
        for state, _ in states:
            number = self._numbers.setdefault(state, len(self._numbers))
            if number not in self._first:
                self._first[number] = tuple(tape.choices[: tape.at])
                self._active[number] = state[4]  # type: ignore[index]
            is_seen = number in numbers
            self.has_lasso = self.has_lasso or is_seen
            numbers.append(number)
        for at in range(len(numbers) - 1):
            if states[at][1] == states[at + 1][1]:
                self._steps.setdefault(numbers[at], set()).add(numbers[at + 1])
        if numbers:
            last = self._steps.setdefault(numbers[-1], set())
            if end == _END:
                if cost == states[-1][1]:
                    last.add(_END)
            elif end != "blocked" and not is_seen:
                last.add(_UNKNOWN)
        return is_seen

    def endless(self) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        """The nodes that are active in cycles without an end, each with the choices of a run that gets there."""
        arcs: dict[int | str, set[int | str]] = {_END: set(), _UNKNOWN: set()}
        arcs |= dict(self._steps.items())
        can_end: set[int | str] = {_END, _UNKNOWN}
        found = []
        for component in components(arcs):
            if any(successor in can_end for state in component for successor in arcs.get(state, ())):
                can_end.update(component)
                continue
            if component[0] in can_end or isinstance(component[0], str):
                continue
            is_cycle = len(component) > 1 or component[0] in arcs.get(component[0], ())
            is_dead_end = not any(arcs.get(state) for state in component)
            if is_cycle or is_dead_end:
                states = [state for state in component if isinstance(state, int)]
                names = dict.fromkeys(name for state in sorted(states) for name in self._active[state])
                found.append((tuple(names), self._first[min(states)]))
        return found
