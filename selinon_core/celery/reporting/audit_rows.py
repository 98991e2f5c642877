"""Entries of the audit as ``selinon audit`` and the page list them."""

from __future__ import annotations

from typing import Any

from selinon_core.celery.stores.audit import AuditPage


def audit_json(page: AuditPage) -> dict[str, Any]:
    """A page as a JSON value; times are seconds since the epoch."""
    entries = [
        {"at": entry.at, "who": entry.who, "what": entry.what, "run": entry.run, "details": dict(entry.details)}
        for entry in page.entries
    ]
    return {"version": 1, "entries": entries, "next": page.next}
