"""One run of ``selinon mutate``: mutants are chosen, judged by the cases, and reported."""

from __future__ import annotations

import difflib
import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selinon_cli.exits import UsageError
from selinon_cli.ignores import silenced
from selinon_cli.mutate_options import MutateOptions
from selinon_cli.output import write_text
from selinon_cli.project import known_name, plan_at_revision
from selinon_cli.render import mutants as rendered
from selinon_cli.run_inputs import jobs_of, names
from selinon_cli.terminal import Terminal
from selinon_cli.test_run import whole_case_files
from selinon_core.cases.model import Case
from selinon_core.diagnostics.wording import hint
from selinon_core.mutating.campaign import Campaign, Equivalence
from selinon_core.mutating.mutant import Mutant
from selinon_core.mutating.operators import OPERATOR_NAMES, mutants
from selinon_core.mutating.parallel import judge_all
from selinon_core.mutating.verdicts import Score, Verdict, score
from selinon_core.plan import Plan
from selinon_core.plan.json_form import plan_to_json
from selinon_core.project import Project


class MutationRun:
    """Raises ``CommandExit`` after printing what is wrong with the project or with a case file."""

    def __init__(self, terminal: Terminal, options: MutateOptions) -> None:
        self._terminal = terminal
        self._options = options
        self._began = time.perf_counter()

    def run(self) -> bool:
        """Judge the mutants and report; whether the cases pass and enough is noticed."""
        terminal, options = self._terminal, self._options
        jobs = jobs_of(options.jobs)
        files = [file for file in whole_case_files(terminal, options.paths, options.pythonpath) if file.numbers]
        if not files:
            raise UsageError(
                "there is no flow test case, so no mutant would be noticed",
                "selinon check --suggest FILE writes cases to begin with",
            )
        projects = {id(file.project): file.project for file in files}
        if len(projects) > 1:
            raise UsageError("the case files belong to several projects", "name the directory of one of them")
        project = next(iter(projects.values()))
        plan = project.plan
        assert plan is not None
        chosen = self._choose(plan)
        ignored = self._silenced(project, chosen)
        if options.mutant is not None:
            terminal.data(_difference(plan, chosen[0]))
        terminal.set_user_output_apart()
        campaign = Campaign(plan, project.pythonpath, files, self._equivalence(project))
        if not self._rehearse(campaign):
            return False
        wanted = [mutant for mutant in chosen if mutant.id not in ignored]
        judged = {verdict.mutant.id: verdict for verdict in judge_all(campaign.judge, wanted, jobs)}
        verdicts = [
            judged[mutant.id] if mutant.id in judged else Verdict(mutant, "ignored", reason=ignored[mutant.id])
            for mutant in chosen
        ]
        self._report(plan, project, verdicts)
        self._suggest(plan, verdicts)
        return self._is_enough(score(verdicts))

    # -- before -------------------------------------------------------------------------------------------------

    def _choose(self, plan: Plan) -> list[Mutant]:
        options = self._options
        for flow in options.flow:
            known_name("flow", flow, plan.flows)
        operators = names(options.operators)
        if options.operators and not operators:
            raise UsageError("--operators names no operator", f"operators are {', '.join(OPERATOR_NAMES)}")
        for operator in operators:
            if operator not in OPERATOR_NAMES:
                raise UsageError(
                    f'--operators: no operator is named "{operator}"{hint(operator, OPERATOR_NAMES)}',
                    f"operators are {', '.join(OPERATOR_NAMES)}",
                )
        found = mutants(plan, options.flow or None, operators or None)
        if options.mutant is not None:
            return [_by_id(found, options.mutant)]
        if options.diff is not None:
            from selinon_core.covering.changed import changed_elements

            changed = changed_elements(plan_at_revision(self._terminal, options.diff, options.paths), plan)
            found = [mutant for mutant in found if mutant.element in changed]
        if options.sample is not None and options.sample < len(found):
            drawn = set(random.Random(options.seed).sample(range(len(found)), options.sample))  # noqa: S311
            found = [mutant for number, mutant in enumerate(found) if number in drawn]
        return found

    def _silenced(self, project: Project, chosen: Sequence[Mutant]) -> dict[str, str]:
        """The mutants that comments silence, each with the reason."""
        options = self._options
        return silenced(
            self._terminal,
            project,
            "mutate",
            "operator",
            OPERATOR_NAMES,
            lambda: [(mutant.id, f"mutate-{mutant.operator}", mutant.place) for mutant in chosen],
            is_whole=not (options.flow or options.operators or options.diff or options.sample or options.mutant),
        )

    def _equivalence(self, project: Project) -> Equivalence | None:
        if self._options.no_equivalence:
            return None
        from selinon_core.project.result_schemas import ResultSchemas

        return Equivalence(ResultSchemas(os.curdir, project.pythonpath).of)

    def _rehearse(self, campaign: Campaign) -> bool:
        """Run the cases with the project as it is; whether they can judge mutants."""
        wrong = campaign.rehearse()
        for case, result in wrong:
            message = result.findings[0].message if result.findings else result.reason
            self._terminal.error(f"{case.id}: {message}")
        if wrong:
            self._terminal.error("cases fail without any mutant", "selinon test says why; mend them first")
        return not wrong

    # -- after --------------------------------------------------------------------------------------------------

    def _report(self, plan: Plan, project: Project, verdicts: Sequence[Verdict]) -> None:
        terminal, options = self._terminal, self._options
        seconds, total = time.perf_counter() - self._began, score(verdicts)
        target = options.output or "-"
        summary = rendered.summary_line(total, seconds)
        if options.format == "text":
            color = terminal.color_out and target == "-"
            shown = [verdict for verdict in verdicts if self._is_shown(verdict)]
            body = "".join(rendered.verdict_text(verdict, plan, color=color) for verdict in shown)
            write_text(terminal, target, body + summary + "\n")
            return
        write_text(terminal, target, self._machine_form(plan, project, verdicts, total, seconds))
        terminal.note(summary)

    def _machine_form(
        self, plan: Plan, project: Project, verdicts: Sequence[Verdict], total: Score, seconds: float
    ) -> str:
        from selinon_cli.repository import relative_to, repository_root

        options = self._options
        locate: Callable[[str], str] = relative_to(repository_root())
        if options.format == "github":
            return rendered.github(verdicts, locate)
        if options.format == "stryker":
            from selinon_core.mutating.stryker import stryker_report

            sources: Mapping[str, str] = project.sources
            bound = options.fail_under if options.fail_under >= 0 else None
            report: dict[str, Any] = stryker_report(verdicts, sources, locate, bound)
        else:
            from selinon_core.mutating.report import json_report

            report = json_report(verdicts, total, plan, seconds)
        return json.dumps(report, indent=2) + "\n"

    def _is_shown(self, verdict: Verdict) -> bool:
        if self._options.show == "all" or self._options.mutant is not None:
            return True
        return verdict.status in ("survived", "no-coverage")

    def _suggest(self, plan: Plan, verdicts: Sequence[Verdict]) -> None:
        target = self._options.suggest
        if target is None:
            return
        cases: dict[str, Case] = {}
        for verdict in verdicts:
            if verdict.missing is not None:
                case = verdict.missing.case
                cases.setdefault(repr(case._replace(name="")), case._replace(name=verdict.mutant.id))
        if not cases:
            self._terminal.note("there is no case to suggest")
            return
        from selinon_core.cases.writing import case_file_text

        write_text(self._terminal, target, case_file_text(cases.values(), plan))
        self._terminal.note(f"wrote {len(cases)} case{'s' * (len(cases) != 1)} to {target}")

    def _is_enough(self, total: Score) -> bool:
        bound = self._options.fail_under
        if total.percent is None or total.percent >= bound:
            return True
        self._terminal.error(f"{total.percent:.1f} % of the mutants are noticed, less than {bound:g} %")
        return False


def _by_id(found: Sequence[Mutant], id: str) -> Mutant:
    for mutant in found:
        if mutant.id == id:
            return mutant
    known = [mutant.id for mutant in found]
    raise UsageError(
        f'--mutant: no mutant has the id "{id}"{hint(id, known)}', "selinon mutate --show all prints all ids"
    )


def _difference(plan: Plan, mutant: Mutant) -> str:
    """What a mutant changes, as a difference of the definitions in YAML."""
    before, after = _definition(plan, mutant), _definition(mutant.plan, mutant)
    lines = difflib.unified_diff(before, after, "original", mutant.id, lineterm="\n", n=3)
    return "".join(lines)


def _definition(plan: Plan, mutant: Mutant) -> list[str]:
    import yaml

    whole = plan_to_json(plan)
    section, name = ("flows", mutant.flow) if mutant.flow is not None else ("tasks", mutant.element[5:])
    (found,) = (each for each in whole[section] if each["name"] == name)
    text: str = yaml.safe_dump(_without_places(found), sort_keys=False, allow_unicode=True, width=100)
    return text.splitlines(keepends=True)


def _without_places(value: Any) -> Any:
    """Without places, and without what is not set."""
    if isinstance(value, dict):
        return {
            key: _without_places(inner)
            for key, inner in value.items()
            if key not in ("place", "index") and inner not in (None, [], False)
        }
    return [_without_places(item) for item in value] if isinstance(value, list) else value
