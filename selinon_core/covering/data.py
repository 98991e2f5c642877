"""What runs have covered: how often which case met which goal. A value that can be merged, saved and read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from selinon_core.covering.elements import Elements, elements_of, translation
from selinon_core.errors import RequestError
from selinon_core.plan import Plan

VERSION = 1

#: case -> how often
Hits = dict[str, int]


class FlowData:
    """Of one flow: hits by the key of a goal, and the evaluations of each condition of several leaves.

    ``vectors`` maps an element to its evaluations: a character per leaf (``t``, ``f``, ``-`` for not evaluated),
    a colon and the outcome, as in ``tf-:f``. ``node:NAME/reused`` among the hits is of no goal.
    """

    __slots__ = ("elements", "hits", "vectors")

    def __init__(self, elements: Elements) -> None:
        self.elements = dict(elements)
        self.hits: dict[str, Hits] = {}
        self.vectors: dict[str, dict[str, Hits]] = {}

    def hit(self, key: str, case: str, times: int = 1) -> None:
        """Count a goal as met."""
        by = self.hits.get(key)
        if by is None:
            self.hits[key] = {case: times}
        else:
            by[case] = by.get(case, 0) + times

    def evaluated(self, element: str, vector: str, case: str, times: int = 1) -> None:
        """Count an evaluation of a condition."""
        by = self.vectors.setdefault(element, {}).setdefault(vector, {})
        by[case] = by.get(case, 0) + times

    def merge(self, other: FlowData, moved: Mapping[str, str] | None = None) -> None:
        """Add what another one of the same flow counted; ``moved`` renames elements and drops what it lacks."""
        for key, by in other.hits.items():
            element, _, what = key.partition("/")
            element = _moved(element, moved)
            if element:
                for case, times in by.items():
                    self.hit(f"{element}/{what}", case, times)
        for element, vectors in other.vectors.items():
            element = _moved(element, moved)
            if element:
                for vector, by in vectors.items():
                    for case, times in by.items():
                        self.evaluated(element, vector, case, times)


def _moved(element: str, moved: Mapping[str, str] | None) -> str:
    if moved is None or not element.startswith(("edge:", "failure:")):
        return element
    return moved.get(element, "")


class CoverageData:
    """Of all flows. ``session`` tells apart what belongs to one invocation of the tests.

    ``without_leaves`` counts decisions of which the log did not say what their predicates were, and
    ``without_attempts`` runs of which it did not say what the attempts of their tasks came to.
    """

    __slots__ = ("flows", "session", "without_attempts", "without_leaves")

    def __init__(self, session: str = "") -> None:
        self.session = session
        self.flows: dict[str, FlowData] = {}
        self.without_leaves = 0
        self.without_attempts = 0

    @property
    def cases(self) -> tuple[str, ...]:
        """Every case that covered something, in alphabetical order."""
        found: set[str] = set()
        for flow in self.flows.values():
            for by in flow.hits.values():
                found.update(by)
        return tuple(sorted(found))

    def of_flow(self, name: str, elements: Elements) -> FlowData:
        """The part of a flow, which is begun if it is not there yet."""
        found = self.flows.get(name)
        if found is None:
            found = self.flows[name] = FlowData(elements)
        return found

    def merge(self, other: CoverageData) -> None:
        """Add what ``other`` counted. Elements that both know count together, whatever their indexes."""
        self.without_leaves += other.without_leaves
        self.without_attempts += other.without_attempts
        for name, flow in other.flows.items():
            mine = self.of_flow(name, flow.elements)
            same = mine.elements == flow.elements
            mine.merge(flow, None if same else translation(flow.elements, mine.elements))

    def onto(self, plan: Plan) -> tuple[CoverageData, dict[str, int]]:
        """The data with the indexes of ``plan``, and how many elements of each flow are not there any more.

        A flow that the plan lacks counts with all of its elements.
        """
        result = CoverageData(self.session)
        result.without_leaves = self.without_leaves
        result.without_attempts = self.without_attempts
        gone: dict[str, int] = {}
        for name, flow in self.flows.items():
            known = plan.flows.get(name)
            if known is None:
                gone[name] = len(flow.elements)
                continue
            elements = elements_of(known)
            moved = None
            if elements != flow.elements:
                moved = translation(flow.elements, elements)
                lost = sum(1 for element in _used(flow) if element not in moved)
                if lost:
                    gone[name] = lost
            result.of_flow(name, elements).merge(flow, moved)
        return result, gone

    def covered_by(self, case: str) -> frozenset[tuple[str, str]]:
        """The goals that a case met: (flow, key) each."""
        return frozenset(
            (name, key) for name, flow in self.flows.items() for key, by in flow.hits.items() if case in by
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON value that ``from_json`` turns back into equal data; cases are written once."""
        numbers = {case: number for number, case in enumerate(self.cases)}

        def counted(by: Hits) -> list[list[int]]:
            return sorted([[numbers[case], times] for case, times in by.items()])

        return {
            "version": VERSION,
            "kind": "selinon-coverage",
            "session": self.session,
            "without_leaves": self.without_leaves,
            "without_attempts": self.without_attempts,
            "cases": list(numbers),
            "flows": {
                name: {
                    "elements": flow.elements,
                    "hits": {key: counted(by) for key, by in sorted(flow.hits.items())},
                    "vectors": {
                        element: {vector: counted(by) for vector, by in sorted(vectors.items())}
                        for element, vectors in sorted(flow.vectors.items())
                    },
                }
                for name, flow in sorted(self.flows.items())
            },
        }

    @classmethod
    def from_json(cls, value: Any, origin: str = "coverage data") -> CoverageData:
        """The inverse of ``to_json``; ``RequestError`` names ``origin`` and what is wrong."""
        if not isinstance(value, dict) or value.get("kind") != "selinon-coverage":
            raise RequestError(f"{origin} is not coverage data: selinon test --cover writes such files")
        if value.get("version") != VERSION:
            raise RequestError(
                f"{origin} is coverage data of version {value.get('version')!r}, and only {VERSION} can be read; "
                "selinon test --cover writes a new one"
            )
        try:
            return cls._read(value)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise RequestError(
                f"{origin} is broken ({type(error).__name__}: {error}); selinon test --cover writes a new one"
            ) from None

    @classmethod
    def _read(cls, value: dict[str, Any]) -> CoverageData:
        data = cls(str(value["session"]))
        data.without_leaves = _natural(value.get("without_leaves", 0))
        data.without_attempts = _natural(value.get("without_attempts", 0))
        cases = [str(case) for case in value["cases"]]
        for name, part in value["flows"].items():
            flow = data.of_flow(name, {str(e): str(digest) for e, digest in part["elements"].items()})
            for key, pairs in part["hits"].items():
                for case, times in _pairs(pairs, cases):
                    flow.hit(key, case, times)
            for element, vectors in part["vectors"].items():
                for vector, pairs in vectors.items():
                    _check_vector(vector)
                    for case, times in _pairs(pairs, cases):
                        flow.evaluated(element, vector, case, times)
        return data


def _used(flow: FlowData) -> set[str]:
    found = {key.partition("/")[0] for key in flow.hits} | set(flow.vectors)
    return {element for element in found if element.startswith(("edge:", "failure:"))}


def _pairs(pairs: Any, cases: list[str]) -> Iterable[tuple[str, int]]:
    for number, times in pairs:
        yield cases[_natural(number)], _natural(times)


def _natural(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value


def _check_vector(vector: str) -> None:
    leaves, colon, outcome = vector.partition(":")
    if not colon or outcome not in ("t", "f") or set(leaves) - set("tf-"):
        raise ValueError(f"{vector!r} is not the evaluation of a condition")
