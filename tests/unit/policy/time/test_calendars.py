"""The four clocks on any office, held against references that count minute by minute or day by day.

The references know weekday, local time and sets of dates, and nothing of the code that they judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as some

from broker.errors import BeyondCalendar
from broker.policy.time.calendars import (
    LONDON,
    BankHolidays,
    WorkingCalendar,
    national,
    read_bank_holidays,
)
from broker.policy.time.deadlines import Deadline, Within, compute
from tests.unit.policy.conftest import SHIPPED

HOLIDAYS = read_bank_holidays(SHIPPED.read_text(encoding="utf-8"))
NATIONS = sorted(HOLIDAYS)
ENGLAND = national("ENG", HOLIDAYS)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TURNS = (
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # the clocks go back
    datetime(2027, 3, 28, 1, tzinfo=UTC),  # and forward
    datetime(2028, 2, 29, tzinfo=UTC),  # leap day
    datetime(2028, 3, 26, 1, tzinfo=UTC),
    datetime(2026, 12, 31, 23, tzinfo=UTC),  # years end
    datetime(2027, 12, 31, 23, tzinfo=UTC),
    datetime(2026, 12, 24, 17, tzinfo=UTC),  # the longest closed stretches
    datetime(2027, 3, 25, 17, tzinfo=UTC),
)

minutes = some.integers(-4 * 24 * 60, 4 * 24 * 60).map(lambda count: count * MINUTE)
near_a_turn = some.builds(lambda turn, by: turn + by, some.sampled_from(TURNS), minutes)
anywhere = some.datetimes(datetime(2026, 1, 1), datetime(2028, 8, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(second=0, microsecond=0, tzinfo=UTC)
)
starts = near_a_turn | anywhere
moments = some.timedeltas(timedelta(), MINUTE - timedelta(microseconds=1))
"""Something between two whole minutes."""
opening_times = some.tuples(
    some.integers(6 * 60, 13 * 60), some.integers(13 * 60 + 1, 22 * 60)
).map(lambda both: (clock_time(both[0]), clock_time(both[1]))) | some.just((time(0), time(23, 59)))


def clock_time(minute: int) -> time:
    return time(*divmod(minute, 60))


@some.composite
def offices(draw: some.DrawFn, *, closed_days: int = 12) -> WorkingCalendar:
    """An office of any nation, with hours of its own for each weekday and closures near a turn."""
    weekdays = draw(some.sets(some.integers(0, 6), min_size=2))
    hours = {weekday: draw(opening_times) for weekday in sorted(weekdays)}
    near = [(turn + by * DAY).date() for turn in TURNS for by in range(-5, 10)]
    closed = draw(some.sets(some.sampled_from(near), max_size=closed_days))
    nation = draw(some.sampled_from(NATIONS))
    return WorkingCalendar(HOLIDAYS[nation], hours, dict.fromkeys(closed, "closed"))


def is_open_day(day: date, office: WorkingCalendar) -> bool:
    closed = day in HOLIDAYS[office.nation].days or day in office.closures
    return day.weekday() in office.hours and not closed


def is_open_minute(at: datetime, office: WorkingCalendar) -> bool:
    """Tell by the clock on the wall whether the minute that begins here is open."""
    wall = at.astimezone(LONDON)
    if not is_open_day(wall.date(), office):
        return False
    opens, closes = office.hours[wall.weekday()]
    return opens <= wall.time() < closes


def minute_by_minute(start: datetime, count: int, office: WorkingCalendar) -> datetime:
    at = start
    while count:
        count -= is_open_minute(at, office)
        at += MINUTE
    return at


def day_by_day(start: datetime, count: int, office: WorkingCalendar) -> datetime:
    day = start.astimezone(LONDON).date()
    while count:
        day += DAY
        count -= is_open_day(day, office)
    return datetime.combine(day, office.hours[day.weekday()][1], LONDON)


def due(within: str, start: datetime, office: WorkingCalendar = ENGLAND) -> Deadline:
    return compute(Within.parse(within), start=start, calendar=office)


def within_the_data(within: str, start: datetime, office: WorkingCalendar) -> Deadline:
    """Return when it is due; an office that opens for minutes may not get there: try another."""
    try:
        return due(within, start, office)
    except BeyondCalendar:
        reject()


@settings(max_examples=80)
@given(starts, some.integers(1, 15), offices())
def test_working_hours_agree_with_counting_minutes(
    start: datetime, count: int, office: WorkingCalendar
) -> None:
    found = within_the_data(f"{count} working hours", start, office)
    assert found.due_at == minute_by_minute(start, count * 60, office)


@settings(max_examples=300)
@given(starts, moments, some.integers(1, 30), offices())
def test_working_hours_count_open_time_and_nothing_else(
    start: datetime, moment: timedelta, count: int, office: WorkingCalendar
) -> None:
    """To the microsecond: as long as was asked, in order, and open throughout."""
    found = within_the_data(f"{count} working hours", start + moment, office)
    assert sum((span.end - span.start for span in found.spans), timedelta()) == timedelta(
        hours=count
    )
    last = start + moment
    for span in found.spans:
        assert last <= span.start < span.end
        assert is_open_minute(span.start, office)
        assert is_open_minute(span.end - timedelta(microseconds=1), office)
        assert span.start.astimezone(LONDON).date() == span.end.astimezone(LONDON).date()
        last = span.end
    assert found.due_at == last


@settings(max_examples=300)
@given(starts, moments, some.integers(1, 30), offices())
def test_working_days_agree_with_counting_days(
    start: datetime, moment: timedelta, count: int, office: WorkingCalendar
) -> None:
    found = within_the_data(f"{count} working days", start + moment, office)
    assert found.due_at == day_by_day(start, count, office)


@settings(max_examples=300)
@given(starts, moments, some.integers(1, 96))
def test_calendar_hours_are_elapsed_time_whatever_the_clock_on_the_wall_does(
    start: datetime, moment: timedelta, count: int
) -> None:
    found = due(f"{count} hours", start + moment)
    assert found.due_at.timestamp() - (start + moment).timestamp() == count * 3600


@settings(max_examples=200)
@given(
    starts,
    moments,
    some.sets(some.integers(1, 60), min_size=1, max_size=20),
    some.sets(some.integers(1, 60), max_size=10),
    some.sampled_from(NATIONS),
)
def test_the_school_clock_agrees_with_looking_for_the_next_school_day(
    start: datetime, moment: timedelta, days: set[int], closed: set[int], nation: str
) -> None:
    """The school is open on some of the 60 days after the start, and closed on some of these."""
    first = start.astimezone(LONDON).date()
    school_days = frozenset(first + day * DAY for day in days)
    closures = {first + day * DAY: "closed" for day in closed}
    school = WorkingCalendar(HOLIDAYS[nation], closures=closures, school_days=school_days)
    left = sorted(day for day in school_days if day not in closures)
    if not left:
        with pytest.raises(BeyondCalendar, match="term dates end"):
            due("next school day", start + moment, school)
        return
    found = due("next school day", start + moment, school)
    assert found.due_at == datetime.combine(left[0], time(8, 30), LONDON)


LENGTHS = ("hour", "working hour", "working day")


@settings(max_examples=300)
@given(
    some.lists(some.builds(lambda start, by: start + by, starts, moments), min_size=2, max_size=2),
    some.integers(1, 20),
    some.sampled_from(LENGTHS),
    offices(),
)
def test_a_later_start_is_never_due_earlier(
    both: list[datetime],
    count: int,
    length: str,
    office: WorkingCalendar,
) -> None:
    earlier, later = (
        within_the_data(f"{count} {length}s" if count > 1 else f"1 {length}", start, office).due_at
        for start in sorted(both)
    )
    assert earlier <= later


@settings(max_examples=300)
@given(starts, moments, some.integers(2, 20), some.sampled_from(LENGTHS), offices())
def test_more_time_is_always_due_later_and_never_before_the_start(
    start: datetime, moment: timedelta, count: int, length: str, office: WorkingCalendar
) -> None:
    fewer = within_the_data(f"{count} {length}s", start + moment, office).due_at
    more = within_the_data(f"{count + 1} {length}s", start + moment, office).due_at
    assert start + moment < fewer < more


@settings(max_examples=300)
@given(starts, moments, some.integers(1, 20), some.sampled_from(LENGTHS[1:]), offices())
@example(TURNS[0] - 2 * DAY, timedelta(), 9, "working hour", ENGLAND)
@example(TURNS[1] - 2 * DAY, timedelta(), 9, "working hour", ENGLAND)
def test_nothing_is_due_inside_closed_time(
    start: datetime, moment: timedelta, count: int, length: str, office: WorkingCalendar
) -> None:
    """The instant before a deadline is open: closing time itself may be the deadline."""
    found = within_the_data(
        f"{count} {length}s" if count > 1 else f"1 {length}", start + moment, office
    )
    assert is_open_minute(found.due_at - timedelta(microseconds=1), office)


@pytest.mark.parametrize(
    ("nation", "within", "start", "expected"),
    [
        ("ENG", "1 working day", "2028-02-28T16:00", "2028-02-29T17:00"),
        ("ENG", "1 working day", "2028-02-29T16:00", "2028-03-01T17:00"),
        ("ENG", "24 hours", "2028-02-28T16:00", "2028-02-29T16:00"),
        ("ENG", "8 working hours", "2028-02-28T16:00", "2028-02-29T16:00"),
        ("ENG", "2 working hours", "2027-12-31T16:00", "2028-01-04T10:00"),
        ("SCT", "2 working hours", "2027-12-31T16:00", "2028-01-05T10:00"),
        ("ENG", "1 working day", "2026-03-16T10:00", "2026-03-17T17:00"),
        ("NIR", "1 working day", "2026-03-16T10:00", "2026-03-18T17:00"),
        ("NIR", "1 working day", "2026-07-10T10:00", "2026-07-14T17:00"),
        ("WLS", "1 working day", "2026-07-10T10:00", "2026-07-13T17:00"),
        ("SCT", "1 working day", "2026-11-27T10:00", "2026-12-01T17:00"),
        ("SCT", "1 working day", "2026-08-28T10:00", "2026-08-31T17:00"),
        ("ENG", "1 working day", "2026-08-28T10:00", "2026-09-01T17:00"),
        ("ENG", "1 working day", "2026-10-24T10:00", "2026-10-26T17:00"),
        ("ENG", "9 working hours", "2027-03-25T16:00", "2027-03-30T17:00"),
    ],
)
def test_days_that_are_easily_got_wrong(
    nation: str, within: str, start: str, expected: str
) -> None:
    began, ends = (datetime.fromisoformat(one).replace(tzinfo=LONDON) for one in (start, expected))
    assert due(within, began, national(nation, HOLIDAYS)).due_at == ends


@settings(max_examples=60)
@given(some.integers(0, 40), some.integers(1, 20), some.sampled_from(LENGTHS))
def test_past_the_end_of_the_data_nothing_is_guessed(days: int, count: int, length: str) -> None:
    """With a shorter calendar the answer is the same one, or none: never another one."""
    edition = HOLIDAYS["ENG"].edition
    ends = date(2027, 3, 1)
    known: Mapping[date, str] = {d: n for d, n in HOLIDAYS["ENG"].days.items() if d <= ends}
    short = WorkingCalendar(BankHolidays("ENG", known, type(edition)("x", "0" * 64, ends)))
    start = datetime(2027, 2, 1, 10, tzinfo=UTC) + days * DAY
    asked = f"{count} {length}s" if count > 1 else f"1 {length}"
    whole = due(asked, start).due_at
    if whole.astimezone(LONDON).date() <= ends:
        assert due(asked, start, short).due_at == whole
    else:
        with pytest.raises(BeyondCalendar):
            due(asked, start, short)
