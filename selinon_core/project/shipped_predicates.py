"""The shipped predicates under the names of a project's own module, which passes on those that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_core.plan import And, Condition, ImportRef, Leaf, Not, Or, Plan, Test
from selinon_core.plan.shipped import PREDICATE_MODULES, PREDICATES

if TYPE_CHECKING:
    from selinon_core.lint.code.index import CodeIndex


class ShippedPredicates:
    """Finds them in the text of modules below ``pythonpath``; nothing is imported."""

    def __init__(self, pythonpath: Sequence[str]) -> None:
        self._pythonpath = pythonpath
        self._code: CodeIndex | None = None
        self._known: dict[ImportRef, ImportRef] = {}

    def resolved(self, plan: Plan) -> Plan:
        """The plan with the shipped predicates themselves, for explorations, which judge these only.

        Runs keep the names of the project, by which functions are mocked.
        """
        flows = {
            name: flow._replace(
                edges=tuple(edge._replace(condition=self._condition(edge.condition)) for edge in flow.edges),
                failures=tuple(
                    entry._replace(condition=self._condition(entry.condition)) for entry in flow.failures
                ),
            )
            for name, flow in plan.flows.items()
        }
        return plan if flows == plan.flows else plan._replace(flows=flows)

    def _condition(self, condition: Condition | None) -> Condition | None:
        return None if condition is None else self._tree(condition)

    def _tree(self, condition: Condition) -> Condition:
        if isinstance(condition, Leaf):
            return condition._replace(function=self._function(condition.function))
        if isinstance(condition, Test):
            return condition
        if isinstance(condition, Not):
            return Not(self._tree(condition.operand))
        operands = tuple(self._tree(operand) for operand in condition.operands)
        return And(operands) if isinstance(condition, And) else Or(operands)

    def _function(self, function: ImportRef) -> ImportRef:
        if function.module in PREDICATE_MODULES or function.name not in PREDICATES:
            return function
        if function not in self._known:
            from selinon_core.lint.analysis.predicates import Predicates
            from selinon_core.lint.code.index import CodeIndex

            self._code = self._code or CodeIndex(tuple(self._pythonpath))
            is_shipped = Predicates(function.module, self._code).is_shipped(function.name)
            self._known[function] = ImportRef(PREDICATE_MODULES[0], function.name) if is_shipped else function
        return self._known[function]
