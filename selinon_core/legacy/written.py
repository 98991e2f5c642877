"""What the files have and a plan does not: the order of ``flows``, and ``true`` for all nodes of a flow.

The tables of ``Config`` show both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from selinon_core.config.model import NameRef, Names, ProjectModel

#: ``true``, ``false`` or the names that are listed.
Flag = bool | list[str]

_FLAGS = (
    "propagate_compound_finished",
    "propagate_finished",
    "propagate_node_args",
    "propagate_parent",
)


class Written(NamedTuple):
    """``flows`` are the names in the order of ``flows:``, else of their definitions.

    ``flags`` are the values of the ``propagate_...`` keys by key and flow, ``nowait`` the listed nodes by flow.
    """

    flows: tuple[str, ...]
    flags: Mapping[str, Mapping[str, Flag]]
    nowait: Mapping[str, list[str]]

    @classmethod
    def of(cls, model: ProjectModel) -> Written:
        """The values in a model without mistakes."""
        defined = {flow.name.name: flow for flow in model.flows}
        listed = dict.fromkeys([*(ref.name for ref in model.flow_list or ()), *defined])
        flows = {name: defined[name] for name in listed}
        return cls(
            tuple(flows),
            {key: {name: _flag(getattr(flow, key)) for name, flow in flows.items()} for key in _FLAGS},
            {name: _names(flow.nowait) for name, flow in flows.items()},
        )


def _flag(value: Names) -> Flag:
    return _names(value.refs) or value.everything


def _names(refs: tuple[NameRef, ...]) -> list[str]:
    return list(dict.fromkeys(ref.name for ref in refs))
