"""The sections of a project: the top-level keys of its YAML files."""

from __future__ import annotations

from selinon_core.config.schema.flows import FLOW
from selinon_core.config.schema.global_section import GLOBAL
from selinon_core.config.schema.mapping import ListOf
from selinon_core.config.schema.nodes import STORAGE, TASK
from selinon_core.config.schema.types import OneOrMore, Text, ValueType

#: The top-level keys and what stands under them.
SECTIONS: dict[str, tuple[ValueType, str]] = {
    "tasks": (ListOf(TASK), "The tasks of the project."),
    "flows": (
        OneOrMore(Text("the name of a flow"), "a list of names of flows", only_list=True),
        "The names of all flows; optional, but complete when given.",
    ),
    "storages": (ListOf(STORAGE), "The storages of the project."),
    "global": (GLOBAL, "Settings of the whole project."),
    "flow-definitions": (ListOf(FLOW), "The flows of the project."),
}
