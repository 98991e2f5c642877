"""Answers of ``selinon explain`` for people: as text, and as a Mermaid drawing of reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from selinon_core.explaining.answers import Answer
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.reason_text import reason_lines
from selinon_core.plan.text_wrap import printable


def answers_text(answers: Iterable[Answer]) -> str:
    """Each answer as a sentence, its reasons below it."""
    lines = []
    for answer in answers:
        lines.append(f"{printable(answer.text)}.")
        lines += reason_lines(answer.because, 2)
    return "".join(line + "\n" for line in lines)


def answers_mermaid(answers: Sequence[Answer]) -> str:
    """A flow chart in which an arrow leads from a reason to what it explains."""
    lines = ["flowchart BT"]
    numbers = iter(range(1, 1_000_000))

    def below(reasons: Iterable[Reason], above: str) -> Iterator[str]:
        for reason in reasons:
            name = f"r{next(numbers)}"
            text = f"{reason.text} {reason.detail}".strip()
            yield f'    {name}["{_quoted(text)}"] --> {above}'
            yield from below(reason.of, name)

    for number, answer in enumerate(answers, 1):
        lines.append(f'    a{number}(["{_quoted(answer.text)}"])')
        lines += below(answer.because, f"a{number}")
    return "".join(line + "\n" for line in lines)


def _quoted(text: str) -> str:
    """A text inside the quotes of a Mermaid label."""
    return "".join(_ENTITIES.get(character, character) for character in printable(text))


_ENTITIES = {'"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "#": "#35;", "`": "#96;"}
