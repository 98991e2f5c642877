"""Judging mutants in several processes; verdicts come in the order of the mutants."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence

from selinon_core.mutating.mutant import Mutant
from selinon_core.mutating.verdicts import Verdict

_Judge = Callable[[Mutant], Verdict]
_inherited: tuple[_Judge, Sequence[Mutant]] | None = None


def judge_all(judge: _Judge, mutants: Sequence[Mutant], jobs: int = 1) -> Iterator[Verdict]:
    """Yield the verdict on each mutant; ``jobs`` is how many processes judge at once."""
    if jobs < 2 or len(mutants) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(judge, mutants)
        return
    global _inherited
    _inherited = judge, mutants  # processes inherit plans, which would take long to send
    try:
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            for number, verdict in enumerate(pool.imap(_judge_one, range(len(mutants)), chunksize=4)):
                yield verdict._replace(mutant=mutants[number])
    finally:
        _inherited = None


def _judge_one(number: int) -> Verdict:
    """The verdict on a mutant, without its plan, which would take long to send."""
    assert _inherited is not None
    judge, mutants = _inherited
    verdict = judge(mutants[number])
    return verdict._replace(mutant=verdict.mutant._replace(plan=None))  # type: ignore[arg-type]  # put back there
