"""The rules as the command line talks about them: texts, codes, and codes that users type."""

from __future__ import annotations

from collections.abc import Iterable

from selinon_cli.exits import WrongUse
from selinon_cli.render.rules import RuleText
from selinon_core.lint.registry import RULES
from selinon_core.suggestions import did_you_mean


def rule_codes() -> tuple[str, ...]:
    """Every code, sorted."""
    return tuple(sorted({rule.code for rule in RULES}))


def rule_titles() -> dict[str, str]:
    """Title by code."""
    return {rule.code: rule.title for rule in RULES}


def rule_texts(codes: Iterable[str] | None = None) -> list[RuleText]:
    """What is said about some rules, or about all, sorted by code."""
    wanted = None if codes is None else set(codes)
    texts = {}
    for rule in RULES:
        if wanted is None or rule.code in wanted:
            parts = rule.explanation()
            texts[rule.code] = RuleText(rule.code, rule.severity, rule.title, parts.pop("", ""), parts)
    return [texts[code] for code in sorted(texts)]


def known_prefixes(given: Iterable[str]) -> tuple[str, ...]:
    """Codes and beginnings of codes as typed (``SEL301,sel4``), in capitals.

    Raises ``WrongUse`` for one that no rule's code begins with.
    """
    prefixes = tuple(part.strip().upper() for text in given for part in text.split(",") if part.strip())
    codes = rule_codes() if prefixes else ()
    for prefix in prefixes:
        if not any(code.startswith(prefix) for code in codes):
            raise WrongUse(f'no rule has the code "{prefix}"', _hint(prefix, codes))
    return prefixes


def known_code(given: str) -> str:
    """One code as typed, in capitals; raises ``WrongUse`` when no rule has it."""
    code = given.strip().upper()
    codes = rule_codes()
    if code not in codes:
        raise WrongUse(f'no rule has the code "{given}"', _hint(code, codes))
    return code


def is_selected(code: str, select: Iterable[str], ignore: Iterable[str]) -> bool:
    """Tell whether a code is wanted: the longest matching prefix decides, ``ignore`` where both are as long."""
    chosen = max((len(prefix) for prefix in select if code.startswith(prefix)), default=-1)
    refused = max((len(prefix) for prefix in ignore if code.startswith(prefix)), default=-1)
    if chosen == refused == -1:
        return not tuple(select)
    return chosen > refused


def _hint(code: str, codes: tuple[str, ...]) -> str:
    close = did_you_mean(code, codes)
    return f"did you mean {close}?" if close else "selinon lint --list-rules shows all codes"
