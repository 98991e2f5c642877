"""SEL7xx: changes of a project while flows run."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.migration.forgotten_migration import ForgottenMigration

RULES: tuple[type[Rule], ...] = (
    ForgottenMigration,  # SEL701
)
