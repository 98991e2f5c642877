"""One attempt of one task: build the user's object, run it, check and store what it returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple

from selinon_core.context import TaskContext
from selinon_core.dispatch.references import Referring
from selinon_core.errors import (
    ArgumentError,
    ConfigurationError,
    FatalTaskError,
    ResultMissingError,
    Retry,
    SchemaMismatchError,
    TaskTimeout,
)
from selinon_core.plan import TaskPlan
from selinon_core.runtime.coroutines import is_awaitable, result_of
from selinon_core.runtime.deadline import Deadline
from selinon_core.runtime.environment import working_directory
from selinon_core.runtime.error_codec import WorkerShutdown
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.inputs import Inputs
from selinon_core.runtime.json_values import copy_json
from selinon_core.runtime.results import ReferredResults
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.task_calls import TaskCalls
from selinon_core.runtime.threads import current_ticket

if TYPE_CHECKING:
    from selinon_core.schemas.check import ResultSchema

#: Classes of results that are what they are: there is nothing to await.
_VALUES = frozenset({type(None), bool, int, float, str, list, tuple, dict})


class Assignment(NamedTuple):
    """What an attempt works on. ``args``, ``parent`` and ``failures`` belong to the attempt alone.

    ``attempt`` counts every run of ``run`` from 1, ``retries`` only those that ``max_retry`` limits, from 0.
    """

    flow_name: str
    task_id: str
    dispatcher_id: str
    args: Any
    parent: dict[str, Any]
    failures: dict[str, Any]
    attempt: int
    retries: int


class Succeeded(NamedTuple):
    """The attempt returned a result; ``stored`` says whether a storage keeps it."""

    result: Any
    stored: bool


class RetryLater(NamedTuple):
    """The task runs again in ``countdown`` seconds: it asked to (``error`` None), or a retry is left."""

    countdown: float
    error: BaseException | None


class Failed(NamedTuple):
    """The task failed for good."""

    error: BaseException


Attempt = Succeeded | RetryLater | Failed


class TaskRunner:
    """Runs attempts. ``check_schema(task, result)`` raises ``SchemaMismatchError``, ``inputs`` checks args.

    ``typed``: arguments become what ``run`` is annotated with, and results JSON again. ``calls`` replaces it where
    several runners share what is known of the classes of tasks.
    """

    #: Whether attempts end at the time-out of their task without an alarm, because their time is not the real one.
    keeps_time = False

    def __init__(
        self,
        imports: Imports,
        storages: Storages,
        context: TaskContext,
        check_schema: Callable[[TaskPlan, Any], None],
        inputs: Inputs | None = None,
        *,
        typed: bool = False,
        calls: TaskCalls | None = None,
    ) -> None:
        self._imports = imports
        self._storages = storages
        self._context = context
        self._check_schema = check_schema
        self._inputs = Inputs() if inputs is None else inputs
        self._calls = TaskCalls(typed=typed) if calls is None else calls
        self._plain = self._calls.plain
        #: classes of results that are taken as ``run`` returns them
        self._final: frozenset[Any] = frozenset() if self._calls.typed else _VALUES

    def run(
        self,
        task: TaskPlan,
        assignment: Assignment,
        wanted: Callable[[], bool] | None = None,
        deadline: Deadline | None = None,
    ) -> Attempt:
        """Run one attempt to its end; raises nothing but ``KeyboardInterrupt`` and ``WorkerShutdown``.

        ``wanted`` says whether the result of the attempt is still awaited. When it is not, the storage, where a
        later attempt may have left its result, is left alone, and what is returned means nothing. ``deadline``
        is that of the attempt if it was set before; without it the time-out begins here.
        """
        if deadline is None and task.timeout is not None:
            deadline = Deadline(task.timeout, timeout_text(task, assignment))
        try:
            if task.input_schema is not None or assignment.args.__class__ is Referring:
                assignment = assignment._replace(args=self._arguments(task, assignment.args))
            instance = self._instance(task, assignment)
            if instance.__class__ in self._plain:  # a shortcut: what ``call`` would do
                result = instance.run(assignment.args)
            else:
                result = self._calls.call(instance, task.name, assignment.args)
            if result.__class__ not in self._final:  # nearly all are
                result = _awaited(task, result, deadline)
                if self._calls.typed:
                    result = self._calls.result(task.name, result)
            if deadline is not None:
                deadline.check()
            if task.output_schema is not None:
                self._check_schema(task, result)
            if task.storage is None or task.storage_readonly or (wanted is not None and not wanted()):
                return Succeeded(result, False)
            self._storages.store(assignment.args, assignment.flow_name, task.name, assignment.task_id, result)
            return Succeeded(result, True)
        except (KeyboardInterrupt, WorkerShutdown):
            raise
        except BaseException as error:  # also SystemExit: a task that exits has failed, the worker goes on
            if wanted is not None and not wanted():
                return Failed(error)
            if deadline is not None and deadline.passed() and not isinstance(error, TaskTimeout):
                error = _late(deadline, error)
            return self.judge(task, assignment, error)

    def _arguments(self, task: TaskPlan, args: Any) -> Any:
        """What ``run`` is given: with the values that ``args`` refer to, and the defaults of the input schema.

        Raises ``ArgumentError`` for a value that is gone, and for arguments that do not fit.
        """
        try:
            args = copy_json(ReferredResults(self._storages).decoded(args))
        except ResultMissingError as error:
            raise ArgumentError(str(error)) from error
        return self._inputs.fitted(task, args)

    def judge(self, task: TaskPlan, assignment: Assignment, error: BaseException) -> Attempt:
        """Decide what an error means: run again or fail; a final error is offered to the storage."""
        if isinstance(error, Retry):
            if is_seconds(error.countdown):
                return RetryLater(max(0.0, error.countdown), None)
            error = _bad_countdown(error)
        hopeless = isinstance(error, (FatalTaskError, ConfigurationError, ArgumentError))
        if not hopeless and assignment.retries < task.max_retry:
            if task.retry is None:
                return RetryLater(task.retry_countdown, error)
            from selinon_core.runtime.retry_policy import is_retried, wait_before  # few tasks have one

            if is_retried(task.retry, error):
                return RetryLater(wait_before(task, task.retry, assignment.retries, assignment.task_id), error)
        if task.storage is not None and not task.storage_readonly:
            self._storages.store_error(
                assignment.args,
                assignment.flow_name,
                task.name,
                assignment.task_id,
                (type(error), error, error.__traceback__),
            )
        return Failed(error)

    def _instance(self, task: TaskPlan, assignment: Assignment) -> Any:
        if task.function is None:
            raise ConfigurationError(f"task {task.name} waits for a signal: there is nothing to run")
        instance = self._imports.task_class(task.function)(
            flow_name=assignment.flow_name,
            task_name=task.name,
            parent=assignment.parent,
            task_id=assignment.task_id,
            dispatcher_id=assignment.dispatcher_id,
        )
        try:
            instance._context = self._context
            instance.attempt = assignment.attempt
            if assignment.failures:
                instance.failures = assignment.failures
        except AttributeError:
            pass  # any class may be a task; one with __slots__ of its own does without
        return instance


def timeout_text(task: TaskPlan, assignment: Assignment) -> str:
    """What is said of an attempt that took longer than it may."""
    return f"attempt {assignment.attempt} of {task.name} ran longer than {task.timeout} s"


def _late(deadline: Deadline, error: BaseException) -> TaskTimeout:
    """The time-out behind which another error came up, which may be but a consequence of it."""
    late = deadline.error()
    late.__cause__ = error
    return late.with_traceback(error.__traceback__)


def _awaited(task: TaskPlan, result: Any, deadline: Deadline | None) -> Any:
    """What ``run`` has returned in the end. Raises ``ConfigurationError`` for a generator."""
    if is_awaitable(result):
        owners = [owner for owner in (current_ticket(), deadline) if owner is not None]
        return result_of(result, owners)
    if isinstance(result, (GeneratorType, AsyncGeneratorType)):
        _refuse_generator(task, result)
    return result


def _refuse_generator(task: TaskPlan, result: Any) -> None:
    """Nothing runs the code of a generator, unless a storage of the user's does; an expression is but a value."""
    if isinstance(result, GeneratorType) and result.gi_code.co_name == "<genexpr>":
        return
    if task.storage is None or task.storage_readonly or isinstance(result, AsyncGeneratorType):
        text = f"run of {task.name} is a generator function, so none of it was run: there is a 'yield' in it"
        raise ConfigurationError(text)


def is_seconds(value: Any) -> bool:
    """Whether something the user gave can be waited for."""
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _bad_countdown(error: Retry) -> TypeError:
    text = f"the countdown of a retry has to be a number of seconds, not {error.countdown!r}"
    return TypeError(text).with_traceback(error.__traceback__)


class SchemaChecker:
    """Checks results against the schemas of the tasks; schemas are loaded once.

    Relative paths of schemas lead from ``directory``, by default the working directory of now: a schema is loaded
    when it is first needed, and by then a task may have changed it.
    """

    def __init__(self, directory: str | None = None) -> None:
        self._directory = working_directory() if directory is None else directory
        self._schemas: dict[str, ResultSchema] = {}

    def __call__(self, task: TaskPlan, result: Any, only_given: bool = False) -> None:
        """Raise ``SchemaMismatchError`` with the place in the result, ``ConfigurationError`` for a bad schema.

        ``only_given``: keys may be missing in the result.
        """
        self._check(f"the result of {task.name}", task, result, only_given)

    def signal(self, task: TaskPlan, value: Any) -> None:
        """The same for the value of a signal, which becomes the result of the task that waits."""
        if task.output_schema is not None:
            self._check(f"the signal for {task.name}", task, value)

    def _check(self, what: str, task: TaskPlan, result: Any, only_given: bool = False) -> None:
        try:
            self._schema(task).check(result, only_given)
        except SchemaMismatchError as error:
            named = task.output_schema if isinstance(task.output_schema, str) else "its output_schema"
            raise type(error)(f"{what} does not fit {named}: {error}") from None

    def _schema(self, task: TaskPlan) -> ResultSchema:
        schema = self._schemas.get(task.name)
        if schema is None:
            from selinon_core.schemas.check import ResultSchema

            schema = ResultSchema.of_task(task, self._directory)
            assert schema is not None
            self._schemas[task.name] = schema
        return schema
