"""Mistakes as values, where they are, and how messages name them."""

from __future__ import annotations

from selinon_core.diagnostics.diagnostic import (
    Diagnostic,
    Related,
    Severity,
    has_errors,
    sort_diagnostics,
)

__all__ = [
    "Diagnostic",
    "Related",
    "Severity",
    "has_errors",
    "sort_diagnostics",
]
