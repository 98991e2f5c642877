"""Record what the original's predicates answer, as `golden/predicates.json`; see README.md beside this file.

Its `answers` are `[predicate, message, args, answer]`, where the message "MESSAGE" stands for the one under
that key. A predicate with the prefix `args` gets the message as `node_args`.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from selinon import predicates

Json = dict[str, Any]
GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "predicates.json"

MESSAGE: Json = {
    "none": None,
    "true": True,
    "zero": 0,
    "three": 3,
    "half": 0.5,
    "word": "word",
    "url": "https://example.org/a?b#c",
    "empty": "",
    "list": [1, "two", {"deep": [4]}],
    "dict": {"list": [0, 5]},
    "no_items": [],
}
MESSAGES: list[Any] = [MESSAGE, None, True, 3, 0.5, "word", [1, {"deep": 4}], [], {}]
KEYS: list[Any] = [
    *MESSAGE,
    ["three"],
    ["list", 2, "deep", 0],
    ["dict", "list", 1],
    ["dict", "missing"],
    "missing",
    0,
    [],
]
VALUES: list[Any] = [None, True, 0, 3, 4, 0.5, "word", "wo", "two", [], [1]]
LENGTHS: list[Any] = [0, 1, 3, 4]
URL_PARTS: list[Any] = ["https", "example.org", "/a", ""]

# Meant to differ (see the README), or not a function of the message alone.
LEFT_OUT = {"empty", "argsEmpty", "envEqual", "envExist", "httpStatus", "alwaysTrue", "alwaysFalse"}
BOOL_IS_NO_INT = {"isInt", "argsIsInt", "fieldInt", "argsFieldInt"}
# Two files of the original define a function of the wrong name, which then hides the right one.
MIXED_UP = {"fieldLenGreaterEqual", "argsFieldLenGreaterEqual", "fieldLenLessEqual", "argsFieldLenLessEqual"}


def questions(name: str) -> Iterator[tuple[Any, Json]]:
    """Messages and arguments for a predicate: every message with simple keys, the rich one with every key."""
    parameters = set(getattr(predicates, name).__code__.co_varnames[:3]) - {"message", "node_args"}
    other = parameters & {"value", "length", "scheme", "netloc", "path"}
    for message in MESSAGES:
        keys = KEYS if message is MESSAGE else ["three", 0]
        for key in keys if "key" in parameters else [None]:
            args = {"key": key} if "key" in parameters else {}
            for value in _values(other):
                yield message, args | dict.fromkeys(other, value)


def _values(parameters: set[str]) -> list[Any]:
    if "value" in parameters:
        return VALUES
    if "length" in parameters:
        return LENGTHS
    return URL_PARTS if parameters else [None]


def main() -> None:
    answers: list[list[Any]] = []
    for name in sorted(vars(predicates)):
        if name.startswith("_") or name in LEFT_OUT | MIXED_UP:
            continue
        predicate = getattr(predicates, name)
        assert not isinstance(predicate, types.ModuleType), name
        subject = "node_args" if name.startswith("args") else "message"
        # The `args` ones are the same functions under another name: every seventh question is enough.
        for message, args in islice(questions(name), 0, None, 7 if name.startswith("args") else 1):
            if name in BOOL_IS_NO_INT and (message is True or args.get("key") == "true"):
                continue
            if isinstance(message, str) and args.get("key") == 0:
                continue  # the original takes a path into text as well
            answers.append([name, message, args, predicate(**{subject: message}, **args)])
    # The message that most questions are about is written once.
    rows = [
        [name, "MESSAGE" if message is MESSAGE else message, args, answer]
        for name, message, args, answer in answers
    ]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    GOLDEN.write_text(f'{{"MESSAGE":{json.dumps(MESSAGE)},\n"answers":[\n{lines}\n]}}\n')
    print(len(rows), "answers", file=sys.stderr)


if __name__ == "__main__":
    main()
