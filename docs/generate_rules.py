"""Write ``docs/reference/rules.md`` from the documentation of the rules: ``python docs/generate_rules.py``.

With ``--check`` nothing is written, and the exit code tells whether the file is current.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from selinon_core.lint.registry import every_rule
from selinon_core.lint.rule import HEADINGS, Rule

TARGET = Path(__file__).parent / "reference" / "rules.md"

RANGES = {
    "SEL0": "YAML",
    "SEL1": "Shape",
    "SEL2": "Names",
    "SEL3": "Graph",
    "SEL4": "Data and propagation",
    "SEL5": "Failures",
    "SEL6": "User code",
    "SEL7": "Migrations",
    "SEL8": "Flow test cases, operating",
    "SEL9": "Use, and what differs from Selinon 1.x",
}

INTRODUCTION = """\
# Rules

What `selinon lint` looks for. `selinon lint --explain SEL303` prints one of these texts.

An *error* makes the exit code 1. A *warning* points at what is probably not meant, *info* at what is good to
know; neither changes the exit code unless `--strict` is given, which makes warnings count.

A comment silences a rule for a line, or for the mapping that begins on it:
`# selinon: ignore[SEL303] the reason`. A comment that silences nothing is a warning itself.

The examples take the tasks and the flow `publish` that they do not define from another file; those of test cases
take the flow `order`.
"""


def rules_page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    rules = every_rule()
    for prefix, title in RANGES.items():
        group = [rule for rule in rules if rule.code.startswith(prefix)]
        if group:
            parts.append(f"## {title}\n\n{_table(group)}")
            parts += [_section(rule) for rule in group]
    return "\n".join(parts)


def _table(rules: list[type[Rule]]) -> str:
    rows = [f"| [{rule.code}](#{rule.code.lower()}) | {rule.severity.value} | {rule.title} |" for rule in rules]
    return "\n".join(["| code | severity | fault |", "| --- | --- | --- |", *rows, ""])


def _section(rule: type[Rule]) -> str:
    explanation = rule.explanation()
    out = [
        f"### {rule.code}",
        "",
        f"**{_sentence(rule.title)}** ({rule.severity.value})",
        "",
        _prose(explanation[""]),
    ]
    for heading in HEADINGS:
        text = explanation.get(heading, "")
        if heading in ("Example", "Use instead"):
            out += ["", f"*{heading}:*", "", _code(text)]
        else:
            out += ["", f"*{heading}:* {_prose(text)}"]
    return "\n".join([*out, ""])


def _sentence(title: str) -> str:
    return title[:1].upper() + title[1:]


def _prose(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _code(text: str) -> str:
    first, _, rest = text.partition("\n")
    note = ""
    if first == "with --import":
        note, text = "(with `--import`)\n\n", rest
    return f"{note}```yaml\n{textwrap.dedent(text)}\n```"


def main(arguments: list[str]) -> int:
    """Write or check the page; the exit code."""
    page = rules_page()
    if "--check" in arguments:
        return 0 if TARGET.exists() and TARGET.read_text(encoding="utf-8") == page else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
