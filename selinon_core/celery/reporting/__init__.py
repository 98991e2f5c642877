"""What people see of flow runs: trace, spans, status, history."""
