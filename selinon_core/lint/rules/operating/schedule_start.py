from __future__ import annotations

import os
from collections.abc import Iterator

from selinon_core.config.model import NameRef, ScheduleDef, SchemaDef
from selinon_core.config.read_context import BROKEN
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule

#: Names are parts of keys, which have at most 255 characters.
_LONGEST = 128


class ScheduleStart(Rule):
    """A schedule starts a flow that there is not, or with arguments that it refuses.

    What it does: Looks for the flow of each schedule, compares its `args` with the `input_schema` of that flow,
    and reports names that are used twice or have more than 128 characters.

    Why it is bad: Every start fails. Two schedules with one name would be taken for one.

    Example:
        global:
          schedules:
            - {name: early, flow: nigtly, cron: "30 2 * * *"}
            - {name: early, flow: nightly, cron: "30 3 * * *", args: {day: today}}
        flow-definitions:
          - name: nightly
            input_schema: {type: object, properties: {day: {type: integer}}}
            edges:
              - from:
                to: Fetch

    Use instead:
        global:
          schedules:
            - {name: early, flow: nightly, cron: "30 2 * * *"}
            - {name: late, flow: nightly, cron: "30 3 * * *", args: {day: 0}}
        flow-definitions:
          - name: nightly
            input_schema: {type: object, properties: {day: {type: integer}}}
            edges:
              - from:
                to: Fetch
    """

    code = "SEL822"
    severity = Severity.ERROR
    title = "schedule that cannot start its flow"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        names: dict[str, NameRef] = {}
        for schedule in project.model.settings.schedules or ():
            if schedule.name is not None:
                yield from self._of_name(schedule.name, names)
            if schedule.flow is not None:
                yield from self._of_flow(project, schedule, schedule.flow)

    def _of_name(self, ref: NameRef, names: dict[str, NameRef]) -> Iterator[Diagnostic]:
        if len(ref.name) > _LONGEST:
            yield self.found(
                ref.location,
                f"the name of a schedule has {len(ref.name)} characters",
                note=f"at most {_LONGEST} are allowed",
            )
        first = names.setdefault(ref.name, ref)
        if first is not ref:
            yield self.found(
                ref.location,
                f'the name "{ref.name}" is used by two schedules',
                note="workers would take them for one",
                related=(Related(first.span, "also used here"),),
            )

    def _of_flow(self, project: LintContext, schedule: ScheduleDef, ref: NameRef) -> Iterator[Diagnostic]:
        model = project.model
        flow = model.flow_by_name.get(ref.name)
        if flow is None:
            if not project.may_be_flow(ref.name):
                is_task = ref.name in model.task_by_name
                yield self.found(
                    ref.location,
                    f'unknown flow "{ref.name}"',
                    note="it is a task" if is_task else "no flow has this name",
                    help="" if is_task else project.did_you_mean_one_of("flow", ref.name, model.flow_by_name),
                )
            return
        if flow.input_schema is None or schedule.args is BROKEN:
            return
        why = _misfit(project, flow.input_schema, schedule.args)
        if why:
            given = "args" in schedule.keys
            begin = "the args do not fit" if given else "no args are given, which does not fit"
            yield self.found(
                schedule.key_location("args") if given else ref.location,
                f'{begin} the input_schema of "{ref.name}": {why}',
                note="every start would be refused",
                related=(Related(flow.key_location("input_schema").span, "the input_schema"),),
            )


def _misfit(project: LintContext, schema: NameRef | SchemaDef, args: object) -> str:
    """Why a flow refuses arguments; empty where it does not, or where its schema has a rule of its own."""
    from selinon_core.errors import ArgumentError, ConfigurationError
    from selinon_core.schemas.arguments import ArgumentSchema

    written = schema.data if isinstance(schema, SchemaDef) else schema.name
    try:
        found = ArgumentSchema.written(written, schema.span.file, os.path.abspath(project.root))
        found.check(found.filled(args))
    except ArgumentError as error:
        return str(error)
    except ConfigurationError:
        return ""
    return ""
