"""What several rules want to know of a project, computed once: no rule, no diagnostics."""
