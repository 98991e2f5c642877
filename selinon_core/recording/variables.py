"""The environment variables that a case needs to repeat a recorded run.

No log has them: they are those of the process that records. That they are the ones of the run is seen by the
replay.
Conditions that read variables are recorded as answers, and need none.
"""

from __future__ import annotations

from collections.abc import Mapping

from selinon_core.plan import Plan
from selinon_core.plan.variable_uses import variables_read
from selinon_core.recording.redaction import Secrets
from selinon_core.runtime.redaction import SHORTEST

#: What stands for the value of a variable that is not known.
_NOT_KNOWN = "unknown"


def variables_of(
    plan: Plan, flow: str, environment: Mapping[str, str], secrets: Secrets
) -> tuple[dict[str, str | None], list[str]]:
    """The variables that expressions of a flow and of those below it work with, and those that are missing.

    A variable with a default that is not set is given as such. Secrets are learnt, and are not in the values:
    those under a redacted name, and what has no default, which is how passwords are given to processes.
    """
    listed = plan.settings.environment
    read = sorted(name for name in variables_read(plan, flow, conditions=False) if name in listed)
    values: dict[str, str | None] = {name: environment.get(name) for name in read}
    missing = [name for name in read if values[name] is None and "default" not in listed[name]]
    for place in secrets.found_in(values, None):
        secrets.learn(place)
    for name in read:
        text = values[name]
        if text is None or "default" in listed[name] or secrets.keeps(name):
            continue
        if len(text) >= SHORTEST:
            secrets.learn_scalar(text)
    return secrets.hidden(values, None) | dict.fromkeys(missing, _NOT_KNOWN), missing
