"""What flows and tasks may be given (``input_schema``, with its defaults), and what flows give back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selinon_core.dispatch.references import Referring, written
from selinon_core.errors import ArgumentError, ConfigurationError, SchemaMismatchError, UserFunctionError
from selinon_core.plan import FlowPlan, TaskPlan
from selinon_core.runtime.environment import working_directory

if TYPE_CHECKING:
    from selinon_core.schemas.arguments import ArgumentSchema
    from selinon_core.schemas.check import ResultSchema


class UncheckedArguments(ArgumentError):
    """Raised when arguments cannot be checked, because their schema cannot be used."""


class Inputs:
    """The schemas of arguments, and of outputs of flows, of one plan; each is loaded when it is first needed.

    Relative paths lead from ``directory``, by default the working directory of now: see ``SchemaChecker``.
    """

    def __init__(self, directory: str | None = None) -> None:
        self._directory = working_directory() if directory is None else directory
        self._schemas: dict[str, ArgumentSchema] = {}  # flows and tasks have one name space
        self._outputs: dict[str, ResultSchema] = {}

    def fitted(self, node: FlowPlan | TaskPlan, args: Any) -> Any:
        """The arguments of a flow or a task with the defaults of its schema; the same where it has none.

        Raises ``ArgumentError`` for arguments that do not fit, and ``UncheckedArguments`` where the schema cannot
        be used.
        """
        if node.input_schema is None:
            return args
        what = f"the arguments of {'flow' if isinstance(node, FlowPlan) else 'task'} {node.name}"
        try:
            schema = self._schema(node)
            filled = schema.filled(args)
            schema.check(filled)
        except ArgumentError as error:
            raise ArgumentError(f"{what} do not fit its input_schema: {error}") from None
        except ConfigurationError as error:
            raise UncheckedArguments(f"{what} cannot be checked: {error}") from error
        return filled

    def accepted(self, node: FlowPlan | TaskPlan, args: Any, decoded: Callable[[Any], Any]) -> Any:
        """As ``fitted``, for arguments that may refer to results; ``decoded`` puts the values in place.

        What refers to results still does, unless a default has to be filled in below it.
        """
        if node.input_schema is None or args.__class__ is not Referring:
            return self.fitted(node, args)
        value = decoded(args)
        filled = self.fitted(node, value)
        if filled is value:
            return args
        if not isinstance(value, dict) or any(filled[key] is not part for key, part in value.items()):
            return filled
        added = {key: part for key, part in filled.items() if key not in value}
        whole = args.reference_at(())
        if whole is None:
            return Referring({**args.value, **written(added)})
        return Referring(written({**{key: whole.below((key,)) for key in value}, **added}))

    def check_output(self, flow: FlowPlan, output: Any) -> None:
        """Raise ``UserFunctionError`` for an output that does not fit the ``output_schema`` of its flow."""
        if flow.output_schema is None:
            return
        try:
            schema = self._outputs.get(flow.name)
            if schema is None:
                from selinon_core.schemas.check import ResultSchema

                schema = ResultSchema.written(flow.output_schema, flow.place.file, self._directory)
                self._outputs[flow.name] = schema
            schema.check(output)
        except SchemaMismatchError as error:
            raise UserFunctionError(f"the output does not fit the output_schema: {error}") from None

    def _schema(self, node: FlowPlan | TaskPlan) -> ArgumentSchema:
        schema = self._schemas.get(node.name)
        if schema is None:
            from selinon_core.schemas.arguments import ArgumentSchema

            assert node.input_schema is not None
            written = ArgumentSchema.written(node.input_schema, node.place.file, self._directory)
            schema = self._schemas[node.name] = written
        return schema
