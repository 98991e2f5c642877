from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef, ProjectModel
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.uses import started_in
from selinon_core.lint.rule import LintContext, Rule


class LimitDeadlock(Rule):
    """Flow runs may wait for each other's places without an end.

    What it does: Warns where a flow with a limit starts, directly or through others, a sub-flow with a limit of
    another key, and another flow does the same with the two keys the other way round. Warns where the key is
    worked out from arguments and the sub-flow has the same: `"${args.customer}"` may be another customer there.

    Why it is bad: A run keeps its place while its sub-flows wait for theirs. When run A has a place under `x` and
    waits for one under `y`, and run B has that and waits for one under `x`, both wait for ever. A sub-flow does
    not take a key that a run above it holds, so one key alone is safe.

    Example:
        flow-definitions:
          - name: first
            limit: {key: x, max: 1}
            edges:
              - from:
                to: second_part
          - name: second
            limit: {key: y, max: 1}
            edges:
              - from:
                to: first_part
          - name: first_part
            limit: {key: x, max: 1}
            edges:
              - from:
                to: Fetch
          - name: second_part
            limit: {key: y, max: 1}
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: first
            limit: {key: x, max: 1}
            edges:
              - from:
                to: second_part
          - name: second
            limit: {key: x, max: 1}
            edges:
              - from:
                to: first_part
          - name: first_part
            edges:
              - from:
                to: Fetch
          - name: second_part
            timeout: 60
            edges:
              - from:
                to: Fetch
    """

    code = "SEL827"
    severity = Severity.WARNING
    title = "runs that wait for each other's places"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        limited = {flow.name.name: flow for flow in project.model.flows if flow.limit is not None}
        below = {
            name: [limited[other] for other in _below(project.model, name) if other in limited] for name in limited
        }
        yield from self._of_arguments(limited, below)
        # Who holds a place and waits for another one: by their keys.
        waits: dict[tuple[str, str], tuple[FlowDef, FlowDef]] = {}
        for name, flow in limited.items():
            for other in below[name]:
                if _key(other) != _key(flow):
                    waits.setdefault((_key(flow), _key(other)), (flow, other))
        for (held, wanted), (flow, other) in waits.items():
            back = waits.get((wanted, held))
            if back is None or held > wanted:
                continue
            assert flow.limit is not None
            yield self.found(
                flow.limit.location,
                f'a run of "{flow.name.name}" holds a place under {held} and waits for one under {wanted}, in '
                f'"{other.name.name}"; a run of "{back[0].name.name}" does the opposite',
                note="each may wait for the other's place for ever",
                help="give them one key, or limit only one of the two",
                related=(Related(back[0].name.span, "this one holds the other place first"),),
            )

    def _of_arguments(self, limited: dict[str, FlowDef], below: dict[str, list[FlowDef]]) -> Iterator[Diagnostic]:
        for name, flow in limited.items():
            assert flow.limit is not None
            if flow.limit.key is None or "${" not in _key(flow):
                continue
            same = next((other for other in below[name] if _key(other) == _key(flow)), None)
            if same is not None:
                yield self.found(
                    flow.limit.location,
                    f'a run of "{name}" holds a place under {_key(flow)} while "{same.name.name}" below it waits',
                    note="its key may be another one, which a run holds that waits for this one",
                    help="limit only one of the two",
                    related=(Related(same.name.span, "this flow is started below it"),),
                )


def _key(flow: FlowDef) -> str:
    """The key of a flow's limit as it is written: different texts may still be the same key."""
    assert flow.limit is not None
    key = flow.limit.key
    return "?" if key is None else repr(_written(key.value))


def _written(value: object) -> object:
    parts = getattr(value, "parts", None)
    if parts is not None:
        return "".join(str(_written(part)) for part in parts)
    text = getattr(value, "text", None)
    return value if text is None else f"${{{text}}}"


def _below(model: ProjectModel, name: str) -> list[str]:
    """The flows that a flow starts, directly and through others."""
    found: dict[str, None] = {}
    todo = [name]
    while todo:
        flow = model.flow_by_name.get(todo.pop())
        new = () if flow is None else [node for node in started_in(flow) if node not in found]
        below = [node for node in new if node in model.flow_by_name]
        found |= dict.fromkeys(below)
        todo += below
    return list(found)
