"""Pictures of mistakes: the example of a rule and what to write instead, as Mermaid drawings."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from selinon_cli.render.text import SourceLines, render_blocks
from selinon_core.diagnostics import Diagnostic
from selinon_core.lint.registry import every_rule
from tests.lint.example_projects import in_main_file, lint_files, write_project

#: Faults of graphs and of fallbacks that a picture explains.
DRAWN = ("SEL30", "SEL31", "SEL501", "SEL502", "SEL505", "SEL506", "SEL507")


def mistakes() -> str:
    """A section for each of the rules."""
    rules = [rule for rule in every_rule() if rule.code.startswith(DRAWN)]
    return "\n".join(_section(rule.code, rule.title, rule.explanation()) for rule in rules)


def _section(code: str, title: str, told: dict[str, str]) -> str:
    example, instead = told["Example"], told["Use instead"]
    with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory):
        project = lint_files(write_project(example, Path()), Path())
        found = [diagnostic for diagnostic in in_main_file(project) if diagnostic.code == code]
        printed = render_blocks(found, SourceLines(project.sources), color=False)
    why = " ".join(told["Why it is bad"].split()).replace("``", "`")
    return (
        f"## {title[0].upper()}{title[1:]}\n\n{told['']} {why}\n\n"
        f"```mermaid\n{_drawing(example, _accused(found))}```\n\n```text\n{printed}```\n\n"
        f"Instead ([{code}](reference/rules.md#{code.lower()})):\n\n```mermaid\n{_drawing(instead, set())}```\n"
    )


def _accused(found: list[Diagnostic]) -> set[str]:
    return {name for diagnostic in found for name in re.findall(r'"(\w+)"', diagnostic.message)}


def _drawing(text: str, accused: set[str]) -> str:
    flows = yaml.safe_load(text)["flow-definitions"]
    names = {flow["name"] for flow in flows} | {"publish"}
    lines = ["flowchart LR"]
    for number, flow in enumerate(flows):
        drawn = list(_flow(flow, f"f{number}", names, accused))
        if len(flows) > 1:
            drawn = [f"subgraph f{number} [{flow['name']}]", *drawn, "end"]
        lines += drawn
    lines += [
        "classDef wrong fill:#ffd8d3,stroke:#c62828,color:#1f2328",
        "classDef plain fill:#e6f4ee,stroke:#2f8a66",
    ]
    return "".join(f"{line}\n" for line in [lines[0], *(f"    {line}" for line in lines[1:])])


def _flow(flow: dict[str, Any], prefix: str, flow_names: set[str], accused: set[str]) -> Iterator[str]:
    edges, failures = flow["edges"], flow.get("failures", [])
    nodes: dict[str, None] = {}
    for edge in edges:
        nodes |= dict.fromkeys([*_listed(edge["from"]), *_listed(edge["to"])])
    for failure in failures:
        nodes |= dict.fromkeys([*_listed(failure["nodes"]), *_listed(failure["fallback"])])
    for name in nodes:
        shape = f"[[{name}]]" if name in flow_names else f"({name})"
        yield f"{prefix}_{name}{shape}:::{'wrong' if name in accused else 'plain'}"
    if any(not _listed(edge["from"]) for edge in edges):
        yield f'{prefix}_start((" "))'
    for number, edge in enumerate(edges):
        yield from _edge(edge, prefix, f"{prefix}_e{number}")
    for number, failure in enumerate(failures):
        yield from _failure(failure, prefix, f"{prefix}_x{number}")


def _edge(edge: dict[str, Any], prefix: str, own: str) -> Iterator[str]:
    sources = [f"{prefix}_{name}" for name in _listed(edge["from"])] or [f"{prefix}_start"]
    if len(sources) > 1:
        yield f"{own}_all{{{{all of}}}}"
        for source in sources:
            yield f"{source} --- {own}_all"
        sources = [f"{own}_all"]
    labels = []
    if edge.get("condition"):
        labels.append(_condition(edge["condition"]))
    if edge.get("foreach"):
        labels.append("for each item")
    arrow = f'-- "{", ".join(labels)}" -->' if labels else "-->"
    for name in _listed(edge["to"]):
        yield f"{sources[0]} {arrow} {prefix}_{name}"


def _failure(failure: dict[str, Any], prefix: str, own: str) -> Iterator[str]:
    names = _listed(failure["nodes"])
    yield f'{own}["{" and ".join(names)} failed"]'
    for name in names:
        yield f"{prefix}_{name} -.- {own}"
    for name in _listed(failure["fallback"]):
        yield f"{own} -.-> {prefix}_{name}"


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [] if value in (None, True) else list(value)


def _condition(tree: dict[str, Any]) -> str:
    for operator in ("and", "or"):
        if operator in tree:
            return f" {operator} ".join(_condition(part) for part in tree[operator])
    if "not" in tree:
        return "not " + _condition(tree["not"])
    return " ".join([tree["name"], *(str(value) for value in (tree.get("args") or {}).values())])
