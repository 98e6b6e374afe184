"""The four clocks on any office, held against references that count minute by minute or day by day.

The references know weekday, local time and sets of dates, and nothing of the code that they judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as some

from broker.errors import BeyondCalendar
from broker.policy.time.calendars import (
    LONDON,
    BankHolidays,
    WorkingCalendar,
    national,
    read_bank_holidays,
)
from broker.policy.time.deadlines import Deadline, Within, compute, exact
from tests.conftest import examples
from tests.unit.policy.conftest import SHIPPED

HOLIDAYS = read_bank_holidays(SHIPPED.read_text(encoding="utf-8"))
NATIONS = sorted(HOLIDAYS)
ENGLAND = national("ENG", HOLIDAYS)
MINUTE, DAY, EARLY = timedelta(minutes=1), timedelta(days=1), timedelta(hours=2)
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
unusual_days = some.sampled_from(
    [
        ((time(9), time(12, 30)), (time(13, 15), time(17))),  # a break at noon
        ((time(22), time(6)),),  # a night
        ((time(0, 30), time(2)), (time(22), time(0))),
        ((time(0), time(0)),),  # the whole day
        ((time(1), time(2)), (time(6), time(7))),  # an hour that may not exist, or exist twice
    ]
)


def clock_time(minute: int) -> time:
    return time(*divmod(minute, 60))


@some.composite
def offices(draw: some.DrawFn, *, closed_days: int = 12) -> WorkingCalendar:
    """An office of any nation, with hours of its own for each weekday and closures near a turn."""
    weekdays = draw(some.sets(some.integers(0, 6), min_size=2))
    usual = draw(some.booleans())
    every = draw(unusual_days)
    hours = {day: (draw(opening_times),) if usual else every for day in sorted(weekdays)}
    near = [(turn + by * DAY).date() for turn in TURNS for by in range(-5, 10)]
    closed = draw(some.sets(some.sampled_from(near), max_size=closed_days))
    nation = draw(some.sampled_from(NATIONS))
    return WorkingCalendar(HOLIDAYS[nation], hours, dict.fromkeys(closed, "closed"))


def is_open_day(day: date, office: WorkingCalendar) -> bool:
    """Tell whether at least one minute of the office begins to count on this day."""
    closed = day in HOLIDAYS[office.nation].days or day in office.closures
    return not closed and bool(open_minutes(day, office))


@cache
def open_minutes(day: date, office: WorkingCalendar) -> tuple[datetime, ...]:
    """Go through the minutes of a day and the night after it, opening and closing by the wall."""
    every = []
    for opens, closes in office.hours.get(day.weekday(), ()):
        night = day + (DAY if closes <= opens else timedelta())
        begin, end = datetime.combine(day, opens), datetime.combine(night, closes)
        minutes = list[datetime]()
        # Two hours early: more than the clocks on the wall ever change by.
        at = begin.replace(tzinfo=LONDON).astimezone(UTC) - EARLY
        while (wall := at.astimezone(LONDON).replace(tzinfo=None)) < end:
            if wall >= begin or (minutes and minutes[-1] == at - MINUTE):
                minutes.append(at)
            at += MINUTE
        every.extend(minutes)
    return tuple(every)


def is_open_minute(at: datetime, office: WorkingCalendar) -> bool:
    """Tell by the clock on the wall whether the minute that begins here is open."""
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    today = at.astimezone(LONDON).date()
    return any(
        is_open_day(day, office) and minute in open_minutes(day, office)
        for day in (today - DAY, today)
    )


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
    return open_minutes(day, office)[-1] + MINUTE


def due(within: str, start: datetime, office: WorkingCalendar = ENGLAND) -> Deadline:
    return exact(Within.parse(within), start=start, calendar=office)


def within_the_data(within: str, start: datetime, office: WorkingCalendar) -> Deadline:
    """Return when it is due; an office that opens for minutes may not get there: try another."""
    try:
        return due(within, start, office)
    except BeyondCalendar:
        reject()


@examples(80)
@given(starts, some.integers(1, 15), offices())
def test_working_hours_agree_with_counting_minutes(
    start: datetime, count: int, office: WorkingCalendar
) -> None:
    found = within_the_data(f"{count} working hours", start, office)
    assert found.due_at == minute_by_minute(start, count * 60, office)


@examples(300)
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
        last = span.end
    assert found.due_at == last


@examples(300)
@given(starts, moments, some.integers(1, 30), offices())
def test_working_days_agree_with_counting_days(
    start: datetime, moment: timedelta, count: int, office: WorkingCalendar
) -> None:
    found = within_the_data(f"{count} working days", start + moment, office)
    assert found.due_at == day_by_day(start, count, office)


@examples(300)
@given(starts, moments, some.integers(1, 96))
def test_calendar_hours_are_elapsed_time_whatever_the_clock_on_the_wall_does(
    start: datetime, moment: timedelta, count: int
) -> None:
    found = due(f"{count} hours", start + moment)
    assert found.due_at.timestamp() - (start + moment).timestamp() == count * 3600


@examples(200)
@given(
    starts,
    moments,
    some.sets(some.integers(0, 60), min_size=1, max_size=20),
    some.sets(some.integers(0, 60), max_size=10),
    some.sampled_from(NATIONS),
)
def test_the_school_clock_agrees_with_looking_for_the_next_school_day(
    start: datetime, moment: timedelta, days: set[int], closed: set[int], nation: str
) -> None:
    """The school is open on some of the 60 days from the start on, and closed on some of these."""
    first = start.astimezone(LONDON).date()
    school_days = frozenset(first + day * DAY for day in days)
    closures = {first + day * DAY: "closed" for day in closed}
    school = WorkingCalendar(HOLIDAYS[nation], closures=closures, school_days=school_days)
    left = sorted(
        opens
        for day in school_days
        if day not in closures
        and (opens := datetime.combine(day, time(8, 30), LONDON)) > start + moment
    )
    is_early = start + moment < datetime.combine(first, time(8, 30), LONDON)
    if min(school_days) > (first if is_early else first + DAY):
        with pytest.raises(BeyondCalendar, match="term dates begin"):
            due("next school day", start + moment, school)
        return
    if not left:
        with pytest.raises(BeyondCalendar, match="term dates end"):
            due("next school day", start + moment, school)
        return
    found = due("next school day", start + moment, school)
    assert found.due_at == left[0]


LENGTHS = ("hour", "working hour", "working day")


@examples(300)
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


@examples(300)
@given(starts, moments, some.integers(2, 20), some.sampled_from(LENGTHS), offices())
def test_more_time_is_always_due_later_and_never_before_the_start(
    start: datetime, moment: timedelta, count: int, length: str, office: WorkingCalendar
) -> None:
    fewer = within_the_data(f"{count} {length}s", start + moment, office).due_at
    more = within_the_data(f"{count + 1} {length}s", start + moment, office).due_at
    assert start + moment < fewer < more


@examples(300)
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
    began, ends = (
        datetime.fromisoformat(text).replace(tzinfo=LONDON) for text in (start, expected)
    )
    assert due(within, began, national(nation, HOLIDAYS)).due_at == ends


@examples(60)
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
    if length == "hour" or whole.astimezone(LONDON).date() <= ends:
        assert due(asked, start, short).due_at == whole
    else:
        with pytest.raises(BeyondCalendar):
            due(asked, start, short)


MIDSUMMER = date(2027, 7, 1)
KNOWN = WorkingCalendar(
    BankHolidays("ENG", {}, type(HOLIDAYS["ENG"].edition)("x", "0" * 64, MIDSUMMER, MIDSUMMER))
)
"""A calendar that knows one day, of which nothing that needs more is counted."""


@examples(200)
@given(
    some.integers(-72, 72),
    some.integers(0, 59),
    some.sampled_from(
        ["15 minutes", "1 hour", "4 working hours", "1 working day", "3 working days"]
    ),
)
def test_what_stands_in_for_a_calendar_is_never_later(hours: int, minute: int, length: str) -> None:
    """The whole calendar says when it really was due; hours by the clock are exact without it."""
    start = datetime(2027, 7, 1, 12, minute, tzinfo=UTC) + timedelta(hours=hours)
    known, really = (
        compute(Within.parse(length), start=start, calendar=office) for office in (KNOWN, ENGLAND)
    )
    assert start < known.due_at <= really.due_at
    if length in ("15 minutes", "1 hour"):
        assert known == really
    elif known.due_at != really.due_at:
        assert f"counts in place of {length}" in known.words


@pytest.mark.parametrize(
    ("within", "start", "expected"),
    [
        ("1 hour", "2028-12-31T23:30", "2029-01-01T00:30"),
        ("4 working hours", "2029-01-02T10:00", "2029-01-02T14:00"),
        ("1 working day", "2029-01-02T10:00", "2029-01-03T10:00"),
        ("1 working day", "2025-12-24T12:00", "2025-12-25T12:00"),
        ("next school day", "2029-01-02T10:00", "2029-01-03T08:30"),
    ],
)
def test_past_both_ends_of_the_data_a_stricter_time_stands_in(
    within: str, start: str, expected: str
) -> None:
    began, ends = (datetime.fromisoformat(at).replace(tzinfo=LONDON) for at in (start, expected))
    assert compute(Within.parse(within), start=began, calendar=ENGLAND).due_at == ends


def test_before_the_first_term_that_is_known_a_stricter_time_stands_in() -> None:
    """A school that is listed in the summer with its autumn term is open in June all the same."""
    school = WorkingCalendar(HOLIDAYS["ENG"], school_days=frozenset({date(2027, 9, 2)}))
    start = datetime(2027, 6, 15, 10, tzinfo=LONDON)
    found = compute(Within.parse("next school day"), start=start, calendar=school)
    assert found.due_at == datetime(2027, 6, 16, 8, 30, tzinfo=LONDON)
    assert "The term dates begin after Wed 16 Jun 2027" in found.words


@pytest.mark.parametrize("received", ["00:10", "07:00", "08:29"])
def test_before_a_school_day_begins_the_clock_ends_with_its_opening(received: str) -> None:
    began = datetime.fromisoformat(f"2026-12-14T{received}").replace(tzinfo=LONDON)
    assert due("next school day", began).due_at == datetime(2026, 12, 14, 8, 30, tzinfo=UTC)


def test_at_the_opening_itself_the_next_school_day_counts() -> None:
    began = datetime(2026, 12, 14, 8, 30, tzinfo=LONDON)
    assert due("next school day", began).due_at == datetime(2026, 12, 15, 8, 30, tzinfo=UTC)


def test_a_day_that_has_both_says_gmt_or_bst() -> None:
    first, second = (datetime(2026, 10, 25, 1, 30, fold=fold, tzinfo=LONDON) for fold in (0, 1))
    assert due("4 hours", first).words.startswith("Sun 25 Oct 01:30 BST and 4 hours")
    assert due("4 hours", second).words.startswith("Sun 25 Oct 01:30 GMT and 4 hours")


def test_an_hour_that_does_not_exist_is_no_opening() -> None:
    office = WorkingCalendar(HOLIDAYS["ENG"], {6: ((time(1), time(2)),)})
    friday = datetime(2027, 3, 26, 12, tzinfo=UTC)
    assert due("1 working day", friday, office).due_at == datetime(2027, 4, 4, 1, tzinfo=UTC)


def test_an_office_that_never_opens_says_so() -> None:
    never = WorkingCalendar(HOLIDAYS["ENG"], {})
    start = datetime(2026, 12, 14, 12, tzinfo=UTC)
    found = compute(Within.parse("1 working day"), start=start, calendar=never)
    assert (found.due_at, "no opening hours" in found.words) == (start + DAY, True)


@examples(60)
@given(starts, offices())
def test_an_office_is_open_in_the_minutes_of_its_windows(
    start: datetime, office: WorkingCalendar
) -> None:
    for minute in range(0, 36 * 60, 7):
        at = start + minute * MINUTE
        assert office.is_open(at) is is_open_minute(at, office)
