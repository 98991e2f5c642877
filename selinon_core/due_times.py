"""When a schedule is due: a cron expression in a time zone, right on days on which clocks change.

An expression is read as Debian's cron reads it, by the library ``cronsim`` (extra ``schedules``):

- With fixed minutes and hours (``30 2 * * *``) it means times of day. A time that a day has twice is due at the
  first of both. A time that a day lacks is due at the first moment behind the gap; several of them are due there
  once.
- With a ``*`` at the start of minutes or hours (``*/15 * * * *``) it means a distance. It is due whenever the
  clock shows such a time: in both of two equal hours, and not in an hour that a day lacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Any

from selinon_core.errors import MissingExtraError

#: The most characters of an expression.
_LONGEST = 255
#: Seconds in which the clocks of a zone change at most once.
_LONGEST_WAY = 20 * 86400
#: What the fields may hold, in their order.
_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, L (the last day) or LW (the last weekday)",
    "month": "1 to 12 or JAN to DEC",
    "day-of-week": "0 to 7 (0 and 7 are Sunday) or SUN to SAT, 5L (the last Friday), 1#2 (the second Monday)",
}
#: Nicknames of other crons, in five fields.
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class CronError(ValueError):
    """Raised for an expression that is wrong; ``note`` says what is allowed, ``help`` what to write."""

    def __init__(self, message: str, note: str = "", help: str = "") -> None:
        super().__init__(message)
        self.note = note
        self.help = help


class ZoneError(ValueError):
    """Raised for a time zone that there is not; ``known`` are the names of those that there are."""

    def __init__(self, message: str, known: frozenset[str]) -> None:
        super().__init__(message)
        self.known = known


def require_cronsim() -> Any:
    """The class that reads expressions; raises ``MissingExtraError`` where it is not installed."""
    try:
        from cronsim import CronSim
    except ImportError:
        raise MissingExtraError("schedules need: pip install 'selinon[schedules]'") from None
    return CronSim


def zone_of(name: str) -> tzinfo:
    """The time zone of a name of the IANA database; raises ``ZoneError``."""
    if name == "UTC":  # also where there is no database
        return UTC
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # directories of the database cannot be opened
        known = frozenset(zoneinfo.available_timezones())
        raise ZoneError(f'there is no time zone "{name[:80]}"', known) from None


class DueTimes:
    """The due times of an expression in a time zone.

    Raises ``CronError``, ``ZoneError``, and ``MissingExtraError`` where ``cronsim`` is not installed.
    """

    def __init__(self, cron: str, timezone: str = "UTC") -> None:
        self._cron_sim = require_cronsim()
        self.zone = zone_of(timezone)
        self.cron = _checked(self._cron_sim, cron)
        minute, hour = self.cron.split()[:2]
        self._is_distance = minute.startswith("*") or hour.startswith("*")
        if next(self.after(0.0), None) is None:
            raise CronError("it is never due", help="no year of the next 50 has such a day")

    def after(self, at: float) -> Iterator[float]:
        """The due times behind a time, in their order; all are seconds since the epoch."""
        last = at
        found = self._shown_times if self._is_distance and self.zone is not UTC else self._times_of_day
        try:
            for due in found(at):
                if due > last:  # several times of day that a day lacks are due together
                    last = due
                    yield due
        except OverflowError:  # behind the year 9999
            return

    def next(self, at: float, count: int) -> list[float]:
        """The first due times behind a time."""
        return list(islice(self.after(at), count))

    def _times_of_day(self, at: float) -> Iterator[float]:
        wanted = self._cron_sim(self.cron, datetime.fromtimestamp(at, self.zone))
        for found in wanted:
            yield found.timestamp()

    def _shown_times(self, at: float) -> Iterator[float]:
        """The times at which the clock shows what is wanted: between two changes of it, those of a clock in UTC.

        The library itself goes wrong where clocks change by half an hour, or at midnight.
        """
        begin = at
        while True:
            offset = self._offset(begin)
            last = begin
            for shown in self._cron_sim(self.cron, datetime.fromtimestamp(at + offset, UTC)):
                due = shown.timestamp() - offset
                change = self._change(last, due, offset)
                if change is not None:
                    begin, at = change, change - 1  # it may be due at the moment of the change
                    break
                yield due
                last = due
            else:
                return

    def _offset(self, at: float) -> float:
        """Seconds between the clock and UTC."""
        offset = datetime.fromtimestamp(at, self.zone).utcoffset()
        return 0.0 if offset is None else offset.total_seconds()

    def _change(self, begin: float, end: float, offset: float) -> float | None:
        """The first moment up to ``end`` with another offset, None when there is none."""
        while begin < end:
            low, high = int(begin), int(min(begin + _LONGEST_WAY, end))
            if self._offset(high) != offset:
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
                return high
            begin += _LONGEST_WAY
        return None


def _checked(cron_sim: Any, cron: str) -> str:
    """The expression with one space between its fields; raises ``CronError``."""
    from cronsim import CronSimError

    fields = cron.split()
    if fields and fields[0].startswith("@"):
        meant = _NICKNAMES.get(fields[0].lower())
        raise CronError(
            f'"{cron[:80]}" is a nickname, and five fields are needed',
            help=f'write "{meant}"' if meant and len(fields) == 1 else "",
        )
    if len(fields) != len(_FIELDS):
        raise CronError(
            f"it has {len(fields)} field{'' if len(fields) == 1 else 's'} instead of {len(_FIELDS)}",
            "the fields are minute, hour, day of month, month, day of week",
        )
    text = " ".join(fields)
    if len(text) > _LONGEST:
        raise CronError(f"it has {len(text)} characters", f"at most {_LONGEST} are allowed")
    for place, (name, allowed) in enumerate(_FIELDS.items()):
        alone = ["*"] * len(_FIELDS)
        alone[place] = fields[place]
        try:
            cron_sim(" ".join(alone), datetime(2024, 1, 1, tzinfo=UTC))
        except (CronSimError, ValueError, AssertionError):
            what = name.replace("-", " ")
            note = f"allowed are *, numbers, a-b, a/n and lists of them: {allowed}"
            raise CronError(f'the {what} "{fields[place][:40]}" is wrong', note) from None
    try:
        cron_sim(text, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError:
        raise CronError("it is never due", "none of these months has such a day") from None
    return text
