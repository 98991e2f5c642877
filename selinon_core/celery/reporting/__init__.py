"""Reports on flow runs: trace events, OpenTelemetry spans, status, history."""
