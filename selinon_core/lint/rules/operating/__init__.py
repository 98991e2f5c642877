"""SEL820 to 839: what is about operating flow runs: labels, how long they are kept."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.operating.keep_too_long import KeepTooLong
from selinon_core.lint.rules.operating.label_mistakes import LabelMistakes

RULES: tuple[type[Rule], ...] = (
    LabelMistakes,  # SEL828
    KeepTooLong,  # SEL830
)
