"""Test cases held against the plan before anything runs: names, contradictions, mocks, ambiguous orders."""

from __future__ import annotations

from selinon_core.config.case_reader import CaseFileRead
from selinon_core.diagnostics.kinds import Collector
from selinon_core.plan import Plan
from selinon_core.project.case_checks.expectations import check_expectations
from selinon_core.project.case_checks.invariants import check_invariants
from selinon_core.project.case_checks.mocks import check_case_mocks, check_shared_mocks
from selinon_core.project.case_checks.names import RightName, check_names, check_shared_names
from selinon_core.project.case_checks.order import check_order
from selinon_core.project.case_checks.schedule import check_schedule
from selinon_core.project.result_schemas import ResultSchemas


def check_cases(found: CaseFileRead, plan: Plan, collector: Collector, results: ResultSchemas) -> None:
    """Report what is wrong with the cases of a file; ``results`` has what mocked results have to fit.

    A case in which something was reported already is held against the plan as far as it could be read.
    """
    check_shared_names(found, plan, collector)
    check_shared_mocks(found, plan, collector, results)
    titles = {read.case.name for read in found.cases}
    right: set[RightName] = set()
    for read in found.cases:
        check_names(read, plan, collector, titles, right)
        if read.case.flow in plan.flows:
            check_expectations(read, plan, collector)
            check_case_mocks(read, plan, collector, results)
            check_order(read, plan, collector)
            check_schedule(read, plan, collector)
    invariants = [(one, read.case.flow) for read in found.cases for one in read.case.invariants]
    uses = (*found.uses, *(use for read in found.cases for use in read.uses))
    check_invariants(invariants, uses, plan, collector)
