"""What every driver needs to run user code: imports, storages, attempts of tasks, answers, the trace."""
