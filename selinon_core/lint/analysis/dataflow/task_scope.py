"""The names that expressions of a task may use: what its node run was given, and what every place knows."""

from __future__ import annotations

from collections.abc import Iterable

from selinon_core.config.model import ProjectModel
from selinon_core.expressions.checking.known_names import Entry, Family, Known, Refused
from selinon_core.expressions.types import ANY, INTEGER, STRING, type_of_value
from selinon_core.lint.analysis.dataflow.places import NEVER_RUNS, PLACE, Part

_FLOW = {"id": STRING, "name": STRING, "attempt": INTEGER}


class TaskScope:
    """The title of a wait, or the key of a limit. A task may be in several flows, so neither can name their nodes
    and constants.
    """

    def __init__(self, model: ProjectModel, part: Part) -> None:
        self._model = model
        self._part = part

    def names(self) -> Iterable[str]:
        """The names that have a value here."""
        return ("args", "vars", "env", "flow")

    def find(self, name: str) -> Entry | None:
        """What is known of a name."""
        settings = self._model.settings
        if name == "args":
            return Known(ANY, f"the arguments of the {_OWNER[self._part]}", is_there=True)
        if name == "flow":
            known = _FLOW
            return Family(
                lambda key: Known(known[key], is_there=True) if key in known else None,
                lambda: known,
                "property of the flow run",
            )
        if name == "vars":
            values = settings.vars
            return Family(
                lambda key: Known(type_of_value(values[key]), is_there=True) if key in values else None,
                lambda: values,
                "constant of all flows",
            )
        if name == "env":
            listed = settings.env
            return Family(
                lambda key: Known(STRING, is_there=True) if key in listed else None,
                lambda: listed,
                "environment variable",
            )
        if name in ("item", "index", "failed", "all", "last", "results"):
            return Refused(PLACE, f'"{name}" has nothing in {self._part.value}', "", self._remedy)
        if self._model.node(name) is not None:
            note = "the task may be in several flows"
            return Refused(
                NEVER_RUNS, f'{self._part.value} cannot read the result of "{name}"', note, self._remedy
            )
        return None

    @property
    def _remedy(self) -> str:
        return f'give the {_OWNER[self._part]} its value in the "args" of its edge, and read "args" here'


_OWNER = {Part.TITLE: "wait", Part.TASK_LIMIT: "task"}
