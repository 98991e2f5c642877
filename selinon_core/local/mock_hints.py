"""Why an expression has no value, where it read a mock: the mock is named, and how to give another."""

from __future__ import annotations

import re
from collections.abc import Collection

from selinon_core.dispatch import events as on

#: A path of an expression in a message, and the key that is not there.
_NO_KEY = re.compile(r'"(?P<node>[^\W\d]\w*)(?P<path>[^"]*)" has no key (?P<key>"[^"]*")')
_PATH = re.compile(r'"(?P<node>[^\W\d]\w*)[^"]*" is ')


def with_hints(answer: on.Event, mocked: Collection[str]) -> on.Event:
    """The answer; in its reasons, if it has any, the mocks of these nodes are named."""
    if isinstance(answer, on.QuestionFailed):
        return on.QuestionFailed(answer.question, hinted(answer.reason, mocked))
    if isinstance(answer, on.ArgsAnswered):
        given = [[1, hinted(each[1], mocked)] if each[0] else each for each in answer.given]
        return on.ArgsAnswered(answer.question, given)
    return answer


def hinted(reason: str, mocked: Collection[str]) -> str:
    """The reason, with the mock that it is about."""
    found = _NO_KEY.search(reason)
    if found is not None and found["node"] in mocked:
        node, path = found["node"], found["path"]
        inside = f" in {path.lstrip('.')}" if path else ""
        text = f"the mock of {node} has no {found['key']}{inside}: --mock {node}=..."
        return reason[: found.start()] + text + reason[found.end() :]
    found = _PATH.search(reason)
    if found is not None and found["node"] in mocked:
        node = found["node"]
        return f"{reason} (the result of {node} is a mock: --mock {node}=... gives another)"
    return reason
