"""The project that is updated: its flows in version 1 and in version 2, and the directories workers are given.

No flow goes round in circles, and no task is started by more than one way at a time as long as a flow is left in
peace: that keeps ``arithmetic`` simple. What a node is called says what it does: ``Bad...`` fails, ``New...`` is a
task that only version 2 has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from selinon_core.migrations.compare import compare_plans
from selinon_core.migrations.files import migration_text
from selinon_core.plan import Plan
from selinon_core.project import compile_project

Json = dict[str, Any]

#: What flows are submitted with; ``foreach`` goes over the items.
ARGUMENTS: Json = {"items": [1, 2, 3]}
#: Flows that are submitted; the others are sub-flows.
ASKED_FOR = ("chain", "fan", "nested", "rescued", "each", "early", "same")
_MODULE = "tests.rolling.acting"
_EACH = {"import": _MODULE, "function": "items_of_args"}
_NEVER = {"name": "alwaysFalse"}


def _edge(sources: Any, to: Any, **more: Any) -> Json:
    return {"from": sources, "to": to, **more}


def _chain(*names: str) -> list[Json]:
    return [_edge(source, to) for source, to in zip((None, *names[:-1]), names, strict=True)]


def _wide(prefix: str, size: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(size)]


def _flow(name: str, *edges: Json, **more: Any) -> Json:
    return {"name": name, "edges": list(edges), **more}


_READS = {"name": "fieldEqual", "args": {"key": ["task"], "value": "E1"}}
_RESCUE = {"failures": [{"nodes": "Bad", "fallback": "Rescue"}]}
_PASSES = {"propagate_node_args": True}
#: Flows of which both versions have the same.
_BOTH = [
    _flow("same", _edge(None, "S0"), _edge("S0", ["S1", "S2"]), _edge(["S1", "S2"], "S3")),
]


def _before() -> list[Json]:
    return [
        *_BOTH,
        _flow("chain", *_chain(*_wide("C", 10))),
        _flow(
            "fan",
            _edge(None, "First"),
            _edge("First", _wide("F", 6)),
            _edge(_wide("F", 6), "Last"),
            _edge("Last", "After"),
        ),
        _flow("nested", _edge(None, ["middle", "Beside"]), _edge(["middle", "Beside"], "End"), **_PASSES),
        _flow("middle", _edge(None, "inner", foreach=_EACH), _edge("inner", "Join"), **_PASSES),
        _flow("inner", *_chain("I0", "I1", "I2")),
        _flow("rescued", _edge(None, ["Good", "Bad"]), _edge("Good", "Then"), _edge("Rescue", "Mend"), **_RESCUE),
        _flow("each", _edge(None, "Each", foreach=_EACH), _edge("Each", "Weigh"), _edge("Weigh", "Note")),
        _flow(
            "early",
            _edge(None, "E0"),
            _edge("E0", "E1"),
            _edge("E0", "Never", condition=_NEVER),
            _edge("E1", "E2", condition=_READS),
            _edge("E2", "E3"),
        ),
    ]


def _after() -> list[Json]:
    chain = _wide("C", 10)
    return [
        *_BOTH,
        # A new task in the middle, and another one that joins what is far apart.
        _flow(
            "chain",
            *_chain(*chain[:5]),
            _edge("C4", "NewC"),
            _edge("NewC", "C5"),
            *_chain(*chain[5:])[1:],
            _edge(["C1", "C7"], "NewJoin"),
        ),
        # The join waits for one less, there is a second one, and all positions have changed.
        _flow(
            "fan",
            _edge(["F0", "F1"], "NewF"),
            _edge("Last", "After"),
            _edge(_wide("F", 5), "Last"),
            _edge("First", _wide("F", 6)),
            _edge(None, "First"),
        ),
        # A sub-flow that is new too.
        _flow(
            "nested",
            _edge(None, ["middle", "Beside"]),
            _edge("middle", "novel"),
            _edge(["middle", "Beside"], "End"),
            _edge(["novel", "End"], "NewEnd"),
            **_PASSES,
        ),
        _flow("novel", _edge(None, ["NewN", "N0"]), _edge("N0", "same"), _edge(["NewN", "same"], "N1")),
        _flow("middle", _edge("inner", "Join"), _edge(None, "inner", foreach=_EACH), **_PASSES),
        _flow("inner", *_chain("I0", "NewI", "I2")),
        _flow(
            "rescued",
            _edge(None, ["Good", "Bad"]),
            _edge("Good", "Then"),
            _edge("Then", "NewThen"),
            _edge("Rescue", "NewMend"),
            **_RESCUE,
        ),
        _flow(
            "each",
            _edge(None, "Each", foreach=_EACH),
            _edge("Each", "Check"),
            _edge("Each", "Weigh"),
            _edge("Weigh", "Note"),
        ),
        # What starts the flow anew is for new runs only; what is gone never fired; an edge more at the end.
        _flow(
            "early",
            _edge(None, "NewE"),
            _edge(None, "E0"),
            _edge("E0", "E1"),
            _edge("E1", "E2", condition=_READS),
            _edge("E2", "E3"),
            _edge(["E0", "E3"], "E4"),
        ),
    ]


def _configuration(flows: list[Json], directory: Path, further: list[str]) -> Json:
    names = [flow["name"] for flow in flows]
    tasks = list(dict.fromkeys([*_tasks(flows), *further]))
    task = {"import": _MODULE, "classname": "Timed", "storage": "Memory"}
    return {
        "global": {"migration_dir": str(directory / "migrations")},
        "storages": [{"name": "Memory", "import": _MODULE, "classname": "SharedStorage"}],
        "tasks": [{"name": name, **task} for name in tasks],
        "flows": names,
        "flow-definitions": flows,
    }


def _tasks(flows: list[Json]) -> list[str]:
    names = [flow["name"] for flow in flows]
    nodes = [node for flow in flows for edge in flow["edges"] for node in _listed(edge["to"])]
    nodes += [failure["fallback"] for flow in flows for failure in flow.get("failures", ())]
    return [name for name in nodes if name not in names]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Version(NamedTuple):
    """A version of the project where workers find it, compiled."""

    directory: Path
    plan: Plan


def _written(directory: Path, flows: list[Json], further: list[str]) -> Version:
    directory.mkdir(parents=True)
    (directory / "project.yaml").write_text(json.dumps(_configuration(flows, directory, further), indent=1))
    project = compile_project([directory])
    assert project.plan is not None, [str(diagnostic) for diagnostic in project.diagnostics]
    return Version(directory, project.plan)


class Edition(NamedTuple):
    """Both versions. ``seen`` is version 2 as runs see it that began before: without new edges that start it."""

    old: Version
    new: Version
    seen: Version


def write_both(directory: Path, strategy: str, *, forget: bool = False) -> Edition:
    """Write ``v1`` without and ``v2`` with a migration, as ``selinon migrate`` does.

    Not all tasks of version 1 are used by flows of version 2. They are left in its files, since messages that ask
    for them may be on their way, unless the files shall ``forget`` them.
    """
    asked_for = [] if forget else _tasks(_before())
    old, new = _written(directory / "v1", _before(), []), _written(directory / "v2", _after(), asked_for)
    comparison = compare_plans(old.plan, new.plan)
    migrations = new.directory / "migrations"
    migrations.mkdir()
    (migrations / "1.json").write_text(migration_text(comparison, strategy, None))
    first = {flow["name"]: {str(edge) for edge in flow["edges"]} for flow in _before()}
    seen = [
        {
            **flow,
            "edges": [
                edge
                for edge in flow["edges"]
                if edge["from"] is not None or flow["name"] not in first or str(edge) in first[flow["name"]]
            ],
        }
        for flow in _after()
    ]
    return Edition(old, new, _written(directory / "seen", seen, asked_for))
