"""The rules as the command line talks about them: texts, codes, and codes that users type."""

from __future__ import annotations

from collections.abc import Iterable

from selinon_cli.exits import UsageError
from selinon_cli.render.rules import RuleText
from selinon_core.lint.registry import every_rule
from selinon_core.lint.selection import is_beginning


def rule_codes() -> tuple[str, ...]:
    """Every code, sorted."""
    return tuple(sorted({rule.code for rule in every_rule()}))


def rule_titles() -> dict[str, str]:
    """Title by code."""
    return {rule.code: rule.title for rule in every_rule()}


def rule_texts(codes: Iterable[str] | None = None) -> list[RuleText]:
    """What is said about some rules, or about all, sorted by code."""
    wanted = None if codes is None else set(codes)
    texts = {}
    for rule in every_rule():
        if wanted is None or rule.code in wanted:
            # code is marked as in Markdown, which people read more easily than reStructuredText
            parts = {heading: text.replace("``", "`") for heading, text in rule.explanation().items()}
            texts[rule.code] = RuleText(rule.code, rule.severity, rule.title, parts.pop("", ""), parts)
    return [texts[code] for code in sorted(texts)]


def known_prefixes(given: Iterable[str]) -> tuple[str, ...]:
    """Codes and beginnings of codes as typed (``SEL301,sel4``), in capitals.

    Raises ``UsageError`` for one that no rule's code begins with.
    """
    prefixes = tuple(part.strip().upper() for text in given for part in text.split(",") if part.strip())
    for prefix in prefixes:
        if not is_beginning(prefix):
            raise UsageError(f'no rule has the code "{prefix}"', _hint(prefix, rule_codes()))
    return prefixes


def known_codes(given: str) -> list[str]:
    """The codes that begin as typed, in capitals; raises ``UsageError`` when there is none."""
    begin = given.strip().upper()
    codes = rule_codes()
    found = [code for code in codes if begin and code.startswith(begin)]
    if not found:
        raise UsageError(f'no rule has the code "{given}"', _hint(begin, codes))
    return found


def _hint(code: str, codes: tuple[str, ...]) -> str:
    """The codes that begin as the mistaken one does, if that says anything."""
    for length in range(len(code) - 1, 3, -1):
        close = [known for known in codes if known.startswith(code[:length])]
        if close:
            return "did you mean " + ", ".join(close[:8]) + (", ...?" if len(close) > 8 else "?")
    return "selinon lint --list-rules shows all codes"
