"""Whether an error is retried, and how long the wait before the next attempt is: ``retry`` of a task."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from fnmatch import fnmatchcase

from selinon_core.plan import RetryPolicy, TaskPlan


def is_retried(policy: RetryPolicy, error: BaseException) -> bool:
    """Whether the policy retries such an error: it is of a class of ``only``, if there are any, and of none of
    ``never``. Classes that an error's class is derived from count.
    """
    names = [
        (cls.__name__, f"{cls.__module__}.{cls.__qualname__}") for cls in type(error).__mro__ if cls is not object
    ]
    if _is_one(names, policy.never):
        return False
    return not policy.only or _is_one(names, policy.only)


def wait_before(task: TaskPlan, policy: RetryPolicy, retries: int, task_id: str) -> float:
    """The seconds to wait after ``retries`` retries that there were.

    The jitter follows from the id of the task run and the number of the retry: runs that failed together are
    spread, and a local run with the same seed waits the same times.
    """
    if not task.retry_countdown:
        return 0.0  # whatever the factor has grown to
    longest = float("inf") if policy.max_wait is None else policy.max_wait
    try:
        wait = min(task.retry_countdown * policy.factor**retries, longest)
    except OverflowError:
        wait = longest
    wait = min(wait, _LONGEST)
    if policy.jitter and wait:
        digest = hashlib.sha256(f"{task_id}:{retries}".encode()).digest()
        share = int.from_bytes(digest[:6], "big") / 2**48  # 0 to 1
        wait = min(wait * (1 + policy.jitter * (2 * share - 1)), longest)
    return round(wait, 3)


#: Ten years, in seconds: a longer wait has no meaning, and an infinite one cannot be kept.
_LONGEST = 10 * 365 * 86400.0


def _is_one(names: Iterable[tuple[str, str]], patterns: Iterable[str]) -> bool:
    return any(
        fnmatchcase(full if "." in pattern else name, pattern) for pattern in patterns for name, full in names
    )
