"""What nodes give and take, by type: the schemas of tasks and flows, and outputs of flows worked out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from selinon_core.config.model import ExpressionDef, FlowDef, TaskDef, TemplateDef, TextDef
from selinon_core.expressions.check import check
from selinon_core.expressions.checking.known_names import Names
from selinon_core.expressions.types import (
    ANY,
    NEVER,
    STRING,
    ListType,
    Type,
    constant,
    object_of,
)
from selinon_core.lint.analysis.dataflow.schema_types import SchemaTypes, Typed

if TYPE_CHECKING:
    from selinon_core.config.model import ProjectModel


class NodeTypes:
    """The types of the results and the arguments of the nodes of a project.

    ``names_of_output`` gives the names that the output of a flow may use.
    """

    def __init__(
        self, model: ProjectModel, schemas: SchemaTypes, names_of_output: Callable[[FlowDef], Names]
    ) -> None:
        self._model = model
        self._schemas = schemas
        self._names_of_output = names_of_output
        self._outputs: dict[str, Typed] = {}

    def result(self, name: str) -> Typed:
        """The type of a node's result: of a task its ``output_schema``, or what the annotation of ``run`` says; of
        a flow its output.
        """
        node = self._model.node(name)
        if isinstance(node, FlowDef):
            return self._output(node)
        if node is None or node.output_schema is not None:
            return self._schemas.of(None if node is None else node.output_schema)
        return Typed(ANY) if node.has_value("output_schema") else self._schemas.of_run(node)

    def arguments(self, node: TaskDef | FlowDef) -> Typed:
        """The type of a node's arguments: of its ``input_schema``, with the defaults, or of its annotations."""
        declared = None if node.input_schema is not None else self._of_parameters(node)
        return self._schemas.of(node.input_schema, filled=True) if declared is None else declared

    def are_declared(self, node: TaskDef | FlowDef | None) -> bool:
        """Whether a node says what it takes."""
        return node is not None and (node.input_schema is not None or self._of_parameters(node) is not None)

    def _of_parameters(self, node: TaskDef | FlowDef) -> Typed | None:
        if isinstance(node, FlowDef) or node.has_value("input_schema"):
            return None
        return self._schemas.of_parameters(node)

    def _output(self, flow: FlowDef) -> Typed:
        if flow.output_schema is not None:
            return self._schemas.of(flow.output_schema)
        name = flow.name.name
        if name not in self._outputs:
            self._outputs[name] = Typed(ANY)  # flows that read their own output
            if flow.output is not None:
                names = self._names_of_output(flow)
                type_ = type_of_template(flow.output, lambda part: check(part.tree, part.text, names).type)
                self._outputs[name] = Typed(type_)
        return self._outputs[name]


def type_of_template(value: object, type_of: Callable[[ExpressionDef], Type]) -> Type:
    """The type of what a template, or a part of one, gives; ``type_of`` gives that of an expression."""
    if isinstance(value, TemplateDef):
        return type_of_template(value.value, type_of)
    if isinstance(value, ExpressionDef):
        return type_of(value)
    if isinstance(value, TextDef):
        return STRING
    if isinstance(value, dict):
        return object_of({str(key): type_of_template(part, type_of) for key, part in value.items()})
    if isinstance(value, list):
        return Type((ListType(NEVER, tuple([type_of_template(part, type_of) for part in value])),))
    return constant(value) if value is None or isinstance(value, bool | int | float | str) else ANY
