"""Running flows in one process, on virtual time, with mocked storages."""

from selinon_core.local.executor import LocalExecutor
from selinon_core.local.mocks import Mocks
from selinon_core.local.options import LocalOptions
from selinon_core.local.run import LocalRun, RunInterrupted
from selinon_core.local.step_limit import StepLimitExceeded

__all__ = ["LocalExecutor", "LocalOptions", "LocalRun", "Mocks", "RunInterrupted", "StepLimitExceeded"]
