"""What is settled before a local run: tables of the flows, imported functions, where traces go."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from selinon_core.dispatch import flow_indexes
from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.errors import ConfigurationError
from selinon_core.local.mocked_attempt import ScriptedResults
from selinon_core.local.mocked_imports import MockedImports
from selinon_core.local.options import LocalOptions
from selinon_core.plan import ImportRef, Plan, TaskPlan
from selinon_core.plan.started import nodes_of
from selinon_core.runtime.conditions import BoundConditions
from selinon_core.runtime.environment import working_directory
from selinon_core.runtime.inputs import Inputs
from selinon_core.runtime.task_runner import SchemaChecker
from selinon_core.runtime.unusable import written_as

if TYPE_CHECKING:
    from selinon_core.cases.model import FunctionMock
    from selinon_core.project.result_schemas import ResultSchemas


def default_pythonpath(plan: Plan) -> tuple[str, ...]:
    """Where user code is looked for by default: beside the files that declare tasks, and in this directory."""
    files = dict.fromkeys(task.place.file for task in plan.tasks.values())
    directories = (os.path.dirname(os.path.abspath(file)) for file in files if os.path.isfile(file))
    return tuple(dict.fromkeys([*directories, os.getcwd()]))


def _variables(plan: Plan) -> Mapping[str, str | None]:
    """The environment variables of a test case."""
    if not plan.settings.environment:
        return {}
    from selinon_core.plan.variables import given_variables  # most plans read none

    return given_variables(plan)


def _same_schemas(plan: Plan, other: Plan) -> bool:
    """Whether the schemas of arguments, and of outputs of flows, are the same ones."""
    if plan.tasks is not other.tasks or plan.flows.keys() != other.flows.keys():
        return False
    pairs = [(flow, other.flows[name]) for name, flow in plan.flows.items()]
    return all(
        one.input_schema is two.input_schema and one.output_schema is two.output_schema for one, two in pairs
    )


class RunSetup:
    """What runs of one executor share, because it never changes: tables of the flows and imported functions.

    ``like`` is the setup of a plan that differs little, with options that say the same of modules and mocks: what
    is the same for both is taken from there. A mutant is run once or twice, and would be set up as long as that.
    """

    def __init__(self, plan: Plan, options: LocalOptions, like: RunSetup | None = None) -> None:
        self.plan = plan
        self.tables: dict[str, FlowIndex]
        self.tables = flow_indexes(plan) if like is None else flow_indexes(plan, like.plan, like.tables)
        mocks = options.mocks
        mocked: Mapping[str, FunctionMock] = {}
        if mocks is not None and mocks.functions:
            from selinon_core.cases.functions import call_by_call

            mocked = call_by_call(mocks.functions, plan)
        pythonpath = options.pythonpath or default_pythonpath(plan)
        self.imports = MockedImports(pythonpath, mocked, options.mock_all, _variables(plan))
        if like is not None:
            self.imports.know(like.imports)
        self.conditions: BoundConditions
        self.conditions = BoundConditions(self.imports, None if like is None else like.conditions)
        #: where relative paths lead from, wherever tasks go
        self.directory = working_directory()
        self.check_schema: SchemaChecker
        if like is not None and plan.tasks is like.plan.tasks:
            self.check_schema = like.check_schema
        else:
            self.check_schema = SchemaChecker(self.directory)
        self.inputs: Inputs
        self.inputs = Inputs(self.directory) if like is None or not _same_schemas(plan, like.plan) else like.inputs
        self.scripted: ScriptedResults = ScriptedResults() if like is None else like.scripted
        self._checked: set[str] = set()
        self._like = like

    def stand_in(self, task: TaskPlan) -> Any:
        """A small result that fits the schema of a task or the annotation of its ``run``; None without them."""
        schema = self._results.of(task)
        return None if schema is None else schema.minimal_value()

    @cached_property
    def _results(self) -> ResultSchemas:
        """The schemas of results; modules of tasks are read for them."""
        if self._like is not None:
            return self._like._results
        from selinon_core.project.result_schemas import ResultSchemas

        return ResultSchemas(self.directory, self.imports.pythonpath)

    def check_strategies(self, flow_name: str) -> None:
        """See that the sampling strategies of a flow and of all it may start can be imported.

        They are not called locally, but a misspelled one should not wait for production to be found. Raises
        ``ConfigurationError``.
        """
        todo = [flow_name]
        while todo:
            name = todo.pop()
            if name in self._checked:
                continue
            self._checked.add(name)
            flow = self.plan.flows[name]
            if flow.sampling is not None:
                try:
                    wrong = written_as(self.imports.strategy(flow.sampling.function))
                    if wrong is not None:
                        raise ConfigurationError(f"{flow.sampling.function} {wrong}")
                except ConfigurationError as error:
                    self._checked.discard(name)
                    raise ConfigurationError(f"the sampling of flow {name} at {flow.place}: {error}") from error
            todo += [node for node in nodes_of(flow) if node in self.plan.flows]

    def trace_entries(
        self, options: LocalOptions, stands_in: Callable[[str], bool], warn: Callable[[str], None]
    ) -> list[Mapping[str, Any]]:
        """The configured sinks without those that mocked runs do not use.

        A run does not trace to a storage that has a stand-in (``stands_in``), and with mocked storages it does not
        report mistakes made on a developer's machine to Sentry. With ``mock_all`` functions that cannot be
        imported are left out with a warning.
        """
        entries: list[Mapping[str, Any]] = []
        for given in self.plan.settings.trace:
            entry = dict(given)
            if "storage" in entry and stands_in(entry["storage"]["name"]):
                del entry["storage"]
            if options.storage == "mocked":
                entry.pop("sentry", None)
            if "function" in entry and options.mock_all:
                function = entry["function"]
                try:
                    self.imports.load(ImportRef(function["import"], function["name"]))
                except ConfigurationError as error:
                    warn(f"{error}; the trace goes without it")
                    del entry["function"]
            entries.append(entry)
        return entries
