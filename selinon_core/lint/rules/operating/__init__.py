"""SEL820 to 839: what is about operating flow runs: schedules, waits, labels, how long they are kept."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules.operating.endless_wait import EndlessWait
from selinon_core.lint.rules.operating.keep_too_long import KeepTooLong
from selinon_core.lint.rules.operating.label_mistakes import LabelMistakes
from selinon_core.lint.rules.operating.lane_mistakes import LaneMistakes
from selinon_core.lint.rules.operating.limit_deadlock import LimitDeadlock
from selinon_core.lint.rules.operating.limit_mistakes import LimitMistakes
from selinon_core.lint.rules.operating.schedule_queue import ScheduleQueue
from selinon_core.lint.rules.operating.schedule_start import ScheduleStart
from selinon_core.lint.rules.operating.schedule_time import ScheduleTime
from selinon_core.lint.rules.operating.wait_and_code import WaitAndCode

RULES: tuple[type[Rule], ...] = (
    ScheduleTime,  # SEL821
    ScheduleStart,  # SEL822
    ScheduleQueue,  # SEL823
    WaitAndCode,  # SEL824
    EndlessWait,  # SEL825
    LimitMistakes,  # SEL826
    LimitDeadlock,  # SEL827
    LabelMistakes,  # SEL828
    LaneMistakes,  # SEL829
    KeepTooLong,  # SEL830
)
