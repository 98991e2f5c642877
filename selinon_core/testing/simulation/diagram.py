"""A schedule as a sequence diagram in Mermaid: broker, store and workers, and what passes between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_WORKER = re.compile(r"w\d+(?:\.\d+)?")
#: What a worker does for a message: its label, and the step.
_OF_SUBJECT = re.compile(r"(?:[a-z]+ )?\S+#\d+ (?P<step>.*)")
#: Calls to the store that say nothing to readers.
_QUIET = frozenset({"header", "records", "timers", "read", "next delivery", "stalled nodes", "lease", "claim"})


def sequence_diagram(title: str, transcript: Sequence[str]) -> str:
    """The text of a diagram; ``transcript`` has lines as schedules give them: seconds, who, and what."""
    lines = [line for each in transcript for line in _line(each)]
    workers = sorted(
        {name for line in transcript for name in _WORKER.findall(line.partition(" ")[2].partition(" ")[0])}
    )
    head = ["sequenceDiagram", f"    %% {_plain(title)}", "    participant broker"]
    head += [f"    participant {_id(worker)} as {worker}" for worker in workers]
    head.append("    participant store")
    return "\n".join([*head, *(f"    {line}" for line in lines)]) + "\n"


def _line(line: str) -> Iterator[str]:
    seconds, _, rest = line.partition(" ")
    who, _, what = rest.partition(" ")
    at = "" if float(seconds) == 0 else f" ({float(seconds):g} s)"
    if _WORKER.fullmatch(who) is None:
        if what.startswith("sends "):
            yield f"Note over broker: {_plain(what.removeprefix('sends '))} is sent{at}"
        elif what:
            yield f"Note over broker: {_plain(rest)}{at}"
        return
    worker = _id(who)
    if what.startswith("takes "):
        yield f"broker->>{worker}: {_plain(what.removeprefix('takes '))}{at}"
        return
    if what.startswith(("runs ", "gives ")):
        yield f"Note over {worker}: {_plain(what)}{at}"
        return
    found = _OF_SUBJECT.fullmatch(what)
    step = what if found is None else found["step"]
    if step.startswith("sends "):
        yield f"{worker}->>broker: {_plain(step.removeprefix('sends '))}{at}"
    elif found is None or step.startswith(("dies ", "hangs ", "cannot reach ", "gets no reply ")):
        if not what.startswith("is done with "):
            yield f"Note over {worker}: {_plain(what)}{at}"
    elif step not in _QUIET:
        yield f"{worker}->>store: {_plain(step)}{at}"


def _id(worker: str) -> str:
    return worker.replace(".", "_")


def _plain(text: str) -> str:
    """A text without what Mermaid reads as its own."""
    return text.replace("#", "#35;").replace(";", "#59;").replace("#35#59;", "#35;").replace("\n", " ")
