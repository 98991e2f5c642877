"""``Executor``: the original's way to run flows in this process, with the storages they are configured with."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from selinon_core.legacy.loading import Path, load_files
from selinon_core.legacy.replaced import warn_of_replaced
from selinon_core.legacy.state import STATE
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun

_log = logging.getLogger("selinon.executor")


class Executor:
    """Runs flows of some files, which it makes the configuration of the process.

    Waits are jumped over. ``sleep_time``, ``config_py``, ``keep_config_py`` and ``show_progressbar`` have no
    effect. Raises ``ConfigurationError`` with every mistake in the files.
    """

    DEFAULT_SLEEP_TIME = 1
    DEFAULT_CONCURRENCY = 1

    def __init__(
        self,
        nodes_definition: Path,
        flow_definitions: Path | Iterable[Path],
        concurrency: int = DEFAULT_CONCURRENCY,
        sleep_time: float = DEFAULT_SLEEP_TIME,
        config_py: str | None = None,
        keep_config_py: bool = False,
        show_progressbar: bool = True,
    ) -> None:
        self._loaded = load_files(nodes_definition, flow_definitions)
        self.concurrency = concurrency
        self.sleep_time = sleep_time
        self.show_progressbar = show_progressbar
        STATE.configure(self._loaded)

    def run(self, flow_name: str, node_args: Any = None) -> LocalRun:
        """Run a flow to its end. A failure is logged, not raised."""
        return self._log_failures(self._executor().run(flow_name, node_args))

    def run_flow_selective(
        self,
        flow_name: str,
        task_names: Iterable[str],
        node_args: Any = None,
        follow_subflows: bool = False,
        run_subsequent: bool | Iterable[str] = False,
    ) -> LocalRun:
        """Run only what leads to the named tasks; raises ``SelectiveNoPathError``."""
        executor = self._executor()
        return self._log_failures(
            executor.run_selective(flow_name, task_names, node_args, follow_subflows, run_subsequent)
        )

    def _executor(self) -> LocalExecutor:
        warn_of_replaced()
        if STATE.plan is not self._loaded.plan:  # another one was configured since
            STATE.configure(self._loaded)
        options = LocalOptions(
            storage="real",
            concurrency=self.concurrency,
            pythonpath=self._loaded.pythonpath,
            sinks=tuple(STATE.functions),
            storages=STATE.own_storages,
        )
        return LocalExecutor(self._loaded.plan, options)

    def _log_failures(self, run: LocalRun) -> LocalRun:
        for node in run.nodes:
            if node["status"] == "failure" and node["kind"] == "task":
                error = node["error"]
                _log.error("task %s of flow %s failed\n%s", node["name"], node["flow"], error["traceback"])
        if run.status != "success":
            _log.error("flow %s failed: %s", run.flow, run.error)
        return run
