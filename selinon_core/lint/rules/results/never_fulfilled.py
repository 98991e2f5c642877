from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef, FlowDef, TaskDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.uses import LeafUse
from selinon_core.lint.rule import LintContext, Rule


class NeverFulfilled(Rule):
    """No value that fits the schema fulfils a predicate.

    What it does: Compares the arguments of shipped predicates with the `output_schema` of the task whose result
    they look at, and those on arguments with the `input_schema` of the flow: keys that are not in the schema, and
    values of other types.

    Why it is bad: The condition never holds, silently. Most often a key is misspelt, or a number is written as a
    text.

    Example:
        # total.json
        #   {"type": "object", "properties": {"total": {"type": "integer"}}}
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - {name: Fetch, import: nodes, storage: Results, output_schema: total.json}
          - {name: Store, import: nodes, storage: Results}
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldGreater
                  args: {key: totl, value: 3}

    Use instead:
        # total.json
        #   {"type": "object", "properties": {"total": {"type": "integer"}}}
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - {name: Fetch, import: nodes, storage: Results, output_schema: total.json}
          - {name: Store, import: nodes, storage: Results}
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldGreater
                  args: {key: total, value: 3}
    """

    code = "SEL407"
    severity = Severity.WARNING
    title = "predicate that no value of the schema fulfils"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.leaf_uses:
            name, args = use.leaf.name.name, use.leaf.args
            if args is None or use.leaf.node_broken or not project.predicates.is_shipped(name):
                continue
            on_args = name.startswith("args")
            owner: TaskDef | FlowDef | None = use.flow if on_args else _task(project, use)
            schema = None if owner is None else owner.input_schema if on_args else owner.output_schema
            if owner is None or schema is None:
                continue
            from selinon_core.lint.analysis.leaf_schemas import never_true  # few conditions need it

            test = name[4].lower() + name[5:] if on_args else name
            typed = project.schema_types.of(schema, filled=on_args)
            found = never_true(test, args, typed.type)
            if found is not None:
                places = use.leaf.arg_locations.get(found.argument)
                yield self.found(
                    places[1] if places is not None else use.leaf.name.location,
                    found.message,
                    note=found.note + (f" ({typed.source})" if typed.source else ""),
                    help=project.did_you_mean(f"keys {found.names}", found.written, found.names),
                    related=(
                        Related(
                            owner.key_location("input_schema" if on_args else "output_schema").span,
                            "the schema is named here",
                        ),
                    ),
                )


def _task(project: LintContext, use: LeafUse) -> TaskDef | None:
    """The task whose result a predicate looks at."""
    if not isinstance(use.origin, EdgeDef) or not project.predicates.takes_message(use.leaf.name.name):
        return None
    sources = list(dict.fromkeys(ref.name for ref in use.origin.sources or ()))
    path = [ref.name for ref in use.leaf.node] if use.leaf.node is not None else sources
    if not path or (use.leaf.node is None and len(sources) != 1):
        return None
    return project.model.task_by_name.get(path[-1])
