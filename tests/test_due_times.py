"""Due times of schedules, against an enumeration that looks at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selinon_core.due_times import CronError, DueTimes, ZoneError, zone_of
from tests.example_counts import examples

#: Zones and a moment shortly before their clocks change: by an hour and by less, by day and at midnight.
CHANGES = {
    "Europe/Berlin": ("2026-03-28T20:00", "2026-10-24T20:00"),
    "America/New_York": ("2026-03-07T22:00", "2026-10-31T22:00"),
    "America/Santiago": ("2026-04-04T20:00", "2026-09-05T20:00"),
    "Australia/Lord_Howe": ("2026-04-04T03:00", "2026-10-03T03:00"),
    "Africa/Cairo": ("2026-04-23T15:00", "2026-10-29T15:00"),
    "Asia/Kathmandu": ("1985-12-31T10:00",),
    "Pacific/Apia": ("2011-12-30T03:00",),
    "UTC": ("2026-03-28T20:00",),
}
#: Minutes that are looked at from there.
MINUTES = 18 * 60


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def local(zone: str, at: float) -> str:
    return datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat()


def fits(field: str, value: int) -> bool:
    """Whether a field that the strategy below draws has a value."""
    if field == "*":
        return True
    if "/" in field:
        start, step = field.split("/")
        first = 0 if start == "*" else int(start)
        return value >= first and (value - first) % int(step) == 0
    if "-" in field:
        low, high = field.split("-")
        return int(low) <= value <= int(high)
    return value in [int(part) for part in field.split(",")]


@cache
def shown_minutes(zone: str, begin: str) -> list[tuple[float, datetime]]:
    """Every minute that passes, and what the clock shows then."""
    place = ZoneInfo(zone)
    times = (moment(begin) + 60 * number for number in range(1, MINUTES + 1))
    return [(at, datetime.fromtimestamp(at, place)) for at in times]


@cache
def times_of_day(zone: str, begin: str) -> list[tuple[float, datetime]]:
    """Every time of day with its moment: the first one, or the one behind the gap that it is in."""
    place = ZoneInfo(zone)
    first = datetime.fromtimestamp(moment(begin), place).replace(tzinfo=None) - timedelta(hours=26)
    found = []
    for number in range(MINUTES + 60 * 60):
        there = time = first + timedelta(minutes=number)
        while datetime.fromtimestamp(there.replace(tzinfo=place).timestamp(), place).replace(tzinfo=None) != there:
            there += timedelta(minutes=1)
        found.append((there.replace(tzinfo=place).timestamp(), time))
    return found


def enumerated(cron: str, zone: str, begin: str) -> list[float]:
    """The due times of ``MINUTES`` minutes, as the documentation of ``due_times`` says it."""
    minute, hour, _, _, weekday = cron.split()
    is_distance = minute.startswith("*") or hour.startswith("*")
    days = {day % 7 for day in range(8) if fits(weekday, day)}  # 0 and 7 are Sunday
    looked_at = shown_minutes(zone, begin) if is_distance else times_of_day(zone, begin)
    found = {
        at
        for at, shown in looked_at
        if fits(minute, shown.minute) and fits(hour, shown.hour) and shown.isoweekday() % 7 in days
    }
    return sorted(at for at in found if 0 < at - moment(begin) <= 60 * MINUTES)


def numbers(most: int) -> st.SearchStrategy[str]:
    value = st.integers(0, most)
    ranges = st.tuples(value, value).map(lambda pair: f"{min(pair)}-{max(pair)}")
    lists = st.lists(value, min_size=1, max_size=3).map(lambda values: ",".join(map(str, values)))
    steps = st.tuples(st.sampled_from(["*", "1", "5"]), st.integers(2, most)).map(
        lambda pair: f"{pair[0]}/{pair[1]}"
    )
    return st.one_of(st.just("*"), ranges, lists, steps)


CRONS = st.tuples(numbers(59), numbers(23), st.one_of(st.just("*"), numbers(6))).map(
    lambda fields: f"{fields[0]} {fields[1]} * * {fields[2]}"
)
PLACES = st.sampled_from([(zone, begin) for zone, begins in CHANGES.items() for begin in begins])


@settings(max_examples=examples(20, 50))
@given(cron=CRONS, place=PLACES)
@example(cron="30 2 * * *", place=("Europe/Berlin", "2026-10-24T20:00"))
@example(cron="0,30 2,3 * * *", place=("Europe/Berlin", "2026-03-28T20:00"))
@example(cron="*/5 0 * * 0", place=("America/Santiago", "2026-09-05T20:00"))
@example(cron="* * * * 0", place=("America/Santiago", "2026-09-05T20:00"))
@example(cron="* * * * 1/2", place=("Europe/Berlin", "2026-03-28T20:00"))
def test_due_times_are_those_that_looking_at_every_minute_finds(cron: str, place: tuple[str, str]) -> None:
    zone, begin = place
    end = moment(begin) + 60 * MINUTES
    found = takewhile(lambda due: due <= end, DueTimes(cron, zone).after(moment(begin)))
    assert [local(zone, due) for due in found] == [local(zone, due) for due in enumerated(cron, zone, begin)]


@given(cron=CRONS, place=PLACES, later=st.integers(0, 5 * 3600))
@settings(max_examples=40)
def test_it_does_not_matter_from_where_due_times_are_looked_for(
    cron: str, place: tuple[str, str], later: int
) -> None:
    """A leader that takes over in the middle of a change finds what the one before it would have found."""
    zone, begin = place
    times = DueTimes(cron, zone)
    at = moment(begin)
    assert times.next(at + later, 3) == [due for due in times.next(at, 3 + later // 60) if due > at + later][:3]


@pytest.mark.parametrize(
    ("cron", "zone", "begin", "wanted"),
    [
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T20:00",
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
        ),
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T20:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        ),
        (
            "0 0 * * *",
            "America/Santiago",
            "2026-09-05T12:00",
            ["2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"],
        ),
        ("0 0 L * *", "UTC", "2028-02-01T00:00", ["2028-02-29T00:00:00+00:00", "2028-03-31T00:00:00+00:00"]),
    ],
)
def test_days_on_which_clocks_change(cron: str, zone: str, begin: str, wanted: list[str]) -> None:
    assert [local(zone, due) for due in DueTimes(cron, zone).next(moment(begin), 2)] == wanted


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("60 * * * *", 'the minute "60" is wrong'),
        ("* * * 13 *", 'the month "13" is wrong'),
        ("* * L-2 * *", 'the day of month "L-2" is wrong'),
        ("* * * *", "it has 4 fields instead of 5"),
        ("0 * * * * *", "it has 6 fields instead of 5"),
        ("0 0 31 2 *", "it is never due"),
        ("@daily", "nickname"),
        ("", "it has 0 fields"),
        ("9" * 300 + " * * * *", "characters"),
    ],
)
def test_wrong_expressions_are_refused_with_the_field(cron: str, message: str) -> None:
    with pytest.raises(CronError, match=message):
        DueTimes(cron)


@pytest.mark.parametrize("name", ["Europe/Berlim", "Europe", "../../etc/passwd", "/etc/passwd", "", "\0"])
def test_only_names_of_the_database_are_time_zones(name: str) -> None:
    with pytest.raises(ZoneError):
        zone_of(name)
