"""Mistakes as values, where they are, and how messages name them."""

from __future__ import annotations

from selinon_core.diagnostics.diagnostic import (
    Diagnostic,
    Fix,
    Related,
    Severity,
    fixes_of,
    has_errors,
    sort_diagnostics,
)

__all__ = [
    "Diagnostic",
    "Fix",
    "Related",
    "Severity",
    "fixes_of",
    "has_errors",
    "sort_diagnostics",
]
