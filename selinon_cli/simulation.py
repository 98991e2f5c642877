"""One run of ``selinon simulate``: subjects are chosen, campaigns played, what they break is printed and kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence

from selinon_cli.exits import UsageError
from selinon_cli.output import write_text
from selinon_cli.project import known_name, load_whole_project
from selinon_cli.render import simulation as rendered
from selinon_cli.run_inputs import starting
from selinon_cli.simulate_options import SimulateOptions
from selinon_cli.simulation_inputs import invariants_of, simulation_options
from selinon_cli.terminal import Terminal
from selinon_cli.test_run import whole_case_files
from selinon_core.cases.model import Case, Invariant, Mocks
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.project import Project
from selinon_core.simulating.campaign import SimulationOptions
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.collection import CaseFile
from selinon_core.testing.options import RunOptions
from selinon_core.testing.simulation.campaign import Campaign, Summary, run_campaign
from selinon_core.testing.simulation.real_tasks import RealTaskProblem, check_real_tasks
from selinon_core.testing.simulation.saving import CaseFileToExtend, saved_cases, shows_again

#: The tag of cases that are simulated although they have another driver.
TAG = "simulate"


class SimulationRun:
    """Raises ``CommandExit`` after printing what is wrong with the project or with a case file."""

    def __init__(self, terminal: Terminal, options: SimulateOptions, jobs: int) -> None:
        self._terminal = terminal
        self._options = options
        self._jobs = jobs
        self._runners: dict[int, CaseRunner] = {}
        #: whether Ctrl-C ended the run
        self.interrupted = False

    def run(self) -> bool:
        """Play the campaigns and report; whether nothing is broken."""
        chosen = self._chosen()
        terminal, options = self._terminal, self._options
        worlds = self._worlds(chosen)
        terminal.set_user_output_apart()
        played: list[tuple[Campaign, Summary]] = []
        for campaign in chosen:
            with starting("--flow NAME -a KEY=VALUE"):
                self._check_real_tasks(campaign)
                world = worlds[id(campaign.subject.plan)]
                progress = self._progress(campaign, world)
                summary, self.interrupted = run_campaign(campaign, world, self._jobs, progress)
            self._clear_progress()
            if summary is not None:
                played.append((campaign, summary))
                self._print(campaign, summary, world)
            if self.interrupted:
                terminal.warn("interrupted: this is what was found so far" if played else "interrupted")
                break
        self._report(played, worlds)
        if options.save is not None:
            self._save(options.save, played, worlds)
        return not any(summary.violations for _, summary in played)

    # -- what is simulated --------------------------------------------------------------------------------------

    def _chosen(self) -> list[Campaign]:
        subject, options = self._options.subject, self._options
        own = invariants_of(self._terminal, subject.invariants)
        if subject.flow:
            return [self._of_flow(*self._project(), name, own) for name in dict.fromkeys(subject.flow)]
        if subject.case:
            files = self._named(subject.case)
            return [self._of_case(file, case, own) for file in files for _, case in file.selected]
        files = whole_case_files(self._terminal, options.paths, options.pythonpath)
        found = [
            self._of_case(file, case, own)
            for file in files
            for _, case in file.selected
            if _is_for_simulation(case)
        ]
        if found:
            return found
        plan, project = self._project()
        flows = plan.top_level_flows or tuple(plan.flows)
        if not flows:
            raise UsageError("the project has no flow")
        return [self._of_flow(plan, project, name, own) for name in flows]

    def _named(self, names: Sequence[str]) -> list[CaseFile]:
        """The case files that are named by ``FILE::NAME``, of the project that is given, if one is."""
        options = self._options
        files = whole_case_files(self._terminal, [*options.paths, *names], options.pythonpath)
        paths = {os.path.realpath(name.partition("::")[0]) for name in names}
        return [file for file in files if os.path.realpath(file.path) in paths]

    def _project(self) -> tuple[Plan, Project]:
        return load_whole_project(self._terminal, self._options.paths)

    def _runner(self, project: Project) -> CaseRunner:
        if id(project) not in self._runners:
            assert project.plan is not None
            pythonpath = (*self._options.pythonpath, *project.pythonpath)
            options = RunOptions(tasks=self._options.subject.tasks)
            self._runners[id(project)] = CaseRunner(project.plan, pythonpath, options)
        return self._runners[id(project)]

    def _of_case(self, file: CaseFile, case: Case, own: tuple[Invariant, ...]) -> Campaign:
        return self._campaign(file.project, case._replace(schedule=()), file.cases, (*case.invariants, *own))

    def _of_flow(self, plan: Plan, project: Project, name: str, own: tuple[Invariant, ...]) -> Campaign:
        from selinon_cli.run_inputs import mocks, node_args
        from selinon_core.testing.collection import result_schemas

        subject = self._options.subject
        known_name("flow", name, plan.flows)
        given = Mocks() if subject.mocks is None else mocks(plan, (), subject.mocks, result_schemas(project))
        flow = plan.flows[name]
        case = Case(
            name,
            name,
            flow.place.file,
            flow.place,
            args=node_args(subject.node_args, None),
            mocks=given,
            stand_ins="allow",
        )
        return self._campaign(project, case, (), own)

    def _campaign(
        self, project: Project, case: Case, siblings: Sequence[Case], invariants: tuple[Invariant, ...]
    ) -> Campaign:
        runner = self._runner(project)
        tasks = self._options.subject.tasks
        case = case if tasks is None else case._replace(tasks=tasks)
        subject = runner.subject(case, siblings)
        if not siblings:
            subject = subject._replace(label=case.flow)
        assert subject.setup is not None
        return Campaign(case, subject, invariants, subject.setup.imports.load)

    def _worlds(self, chosen: Sequence[Campaign]) -> dict[int, SimulationOptions]:
        """The options of the engine for each plan."""
        plans = {id(campaign.subject.plan): campaign.subject.plan for campaign in chosen}
        if len({id(plan) for plan in plans.values()}) > 1 and self._options.world.deploy is not None:
            raise UsageError("--deploy is for one project", "name it, or one of its cases")
        return {number: simulation_options(self._terminal, self._options, plan) for number, plan in plans.items()}

    def _check_real_tasks(self, campaign: Campaign) -> None:
        if campaign.case.tasks != "real":
            return
        try:
            for note in check_real_tasks(campaign):
                self._terminal.warn(f"{campaign.subject.label}: {note}")
        except RealTaskProblem as error:
            raise UsageError(str(error)) from None

    # -- what is printed ------------------------------------------------------------------------------------------

    def _progress(self, campaign: Campaign, world: SimulationOptions) -> Callable[[int], None]:
        def show(schedules: int) -> None:
            if self._terminal.interactive and self._terminal.verbosity >= 0:
                self._terminal.err.write(
                    f"\r\x1b[K{campaign.subject.label}: {schedules} of {world.seeds} schedules"
                )
                self._terminal.err.flush()

        return show

    def _clear_progress(self) -> None:
        if self._terminal.interactive and self._terminal.verbosity >= 0:
            self._terminal.err.write("\r\x1b[K")
            self._terminal.err.flush()

    def _print(self, campaign: Campaign, summary: Summary, world: SimulationOptions) -> None:
        terminal = self._terminal
        if self._options.format != "text" or self._options.junit == "-":
            return
        terminal.data(
            rendered.campaign_text(
                campaign, summary, world, color=terminal.color_out, verbosity=terminal.verbosity
            )
        )
        terminal.out.flush()

    def _report(self, played: Sequence[tuple[Campaign, Summary]], worlds: dict[int, SimulationOptions]) -> None:
        terminal, options = self._terminal, self._options
        if options.format == "json":
            from selinon_core.testing.simulation.report import json_report

            terminal.data(json.dumps(json_report(played, interrupted=self.interrupted), indent=2) + "\n")
        elif options.format == "mermaid":
            from selinon_core.testing.simulation.diagram import sequence_diagram
            from selinon_core.testing.simulation.replaying import told_of

            diagrams = [
                sequence_diagram(violation.text, told_of(campaign, violation, worlds[id(campaign.subject.plan)]))
                for campaign, summary in played
                for violation in summary.violations
            ]
            terminal.data("\n".join(diagrams))
        if options.junit is not None:
            write_text(terminal, options.junit, rendered.junit(played))

    # -- what is kept -------------------------------------------------------------------------------------------

    def _save(
        self, target: str, played: Sequence[tuple[Campaign, Summary]], worlds: dict[int, SimulationOptions]
    ) -> None:
        terminal = self._terminal
        by_plan: dict[int, list[Case]] = {}
        for campaign, summary in played:
            for saved in saved_cases(campaign, summary, worlds[id(campaign.subject.plan)]):
                if shows_again(campaign, saved):
                    by_plan.setdefault(id(campaign.subject.plan), []).append(saved.case)
                else:
                    terminal.warn(
                        f"not saved: {saved.violation.text}: it needs options of this run that a case has not"
                    )
        if len(by_plan) > 1:
            raise UsageError("--save: the violations belong to several projects", "simulate one of them")
        for campaign, _ in played:
            cases = by_plan.pop(id(campaign.subject.plan), None)
            if cases is None:
                continue
            file = CaseFileToExtend(target, campaign.subject.plan)
            distinct = file.distinct(cases)
            if distinct:
                write_text(terminal, target, file.extended(distinct))
            known = len(cases) - len(distinct)
            terminal.note(
                f"wrote {len(distinct)} test case{'s' * (len(distinct) != 1)} to {target}"
                + (f"; it had {known} already" if known else "")
            )
            return
        terminal.note("there is nothing to save")

    # -- one schedule -------------------------------------------------------------------------------------------

    def replay(self, name: str) -> bool:
        """Play the schedule of a case and print it; whether nothing is broken."""
        from selinon_core.testing.simulation.replaying import replayed

        terminal, options = self._terminal, self._options
        if "::" not in name:
            raise UsageError(f"--replay: {name} names no case", "the name of one stands behind ::, FILE::NAME")
        (file,) = self._named([name])
        _, case = next(file.selected)
        terminal.set_user_output_apart()
        campaign = self._campaign(file.project, case, file.cases, case.invariants)
        try:
            result = replayed(case, campaign.subject, campaign.load)
        except RequestError as error:
            raise UsageError(str(error)) from None
        if options.format == "json":
            terminal.data(json.dumps(rendered.replay_json(case, result), indent=2) + "\n")
        elif options.format == "mermaid":
            from selinon_core.testing.simulation.diagram import sequence_diagram

            terminal.data(sequence_diagram(case.name, result.transcript))
        else:
            terminal.data(rendered.replay_text(case, result, color=terminal.color_out))
        return not result.violations


def _is_for_simulation(case: Case) -> bool:
    """Whether a case is simulated by default; one with a schedule is a replay, which ``selinon test`` plays."""
    return case.skip is None and not case.schedule and (case.driver == "production" or TAG in case.tags)
