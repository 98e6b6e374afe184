"""The four clocks, against the acceptance cases and against a slow and simple reference."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from broker.errors import PolicyError
from broker.policy.time.calendars import (
    LONDON,
    WorkingCalendar,
    national,
    read_bank_holidays,
)
from broker.policy.time.deadlines import Unit, Within, compute, exact
from tests.conftest import examples
from tests.unit.policy.conftest import SHIPPED

HOLIDAYS = read_bank_holidays(SHIPPED.read_text(encoding="utf-8"))
OFFICES = {nation: national(nation, HOLIDAYS) for nation in HOLIDAYS}
ENGLAND, SCOTLAND = OFFICES["ENG"], OFFICES["SCT"]
LAST_TERM_DAYS = frozenset(date(2026, 12, day) for day in (21, 22, 23))

MINUTE = timedelta(minutes=1)
starts = some.datetimes(datetime(2026, 1, 1), datetime(2028, 10, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(second=0, microsecond=0, tzinfo=UTC)
)
offices = some.sampled_from(sorted(OFFICES)).map(OFFICES.__getitem__)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


def due(within: str, start: str, office: WorkingCalendar = ENGLAND) -> datetime:
    deadline = compute(Within.parse(within), start=local(start), calendar=office)
    return deadline.due_at.astimezone(LONDON)


@pytest.mark.parametrize(
    ("case", "within", "start", "expected"),
    [
        (1, "4 working hours", "2026-12-18T16:50", "2026-12-21T12:50"),
        (1, "1 working day", "2026-12-18T16:50", "2026-12-21T17:00"),
        (2, "4 hours", "2026-12-24T18:30", "2026-12-24T22:30"),
        (2, "1 working day", "2026-12-24T18:30", "2026-12-29T17:00"),
        (3, "1 working day", "2027-03-25T16:00", "2027-03-30T17:00"),
        (5, "4 working hours", "2026-12-22T10:00", "2026-12-22T14:00"),
        (5, "1 working day", "2026-12-22T10:00", "2026-12-23T17:00"),
        (5, "3 working days", "2026-12-22T10:00", "2026-12-29T17:00"),
        (6, "4 hours", "2026-12-14T07:00", "2026-12-14T11:00"),
    ],
)
def test_the_acceptance_cases(case, within, start, expected):
    assert due(within, start) == local(expected), f"case {case}"


def test_case_4_easter_monday_is_no_bank_holiday_in_scotland():
    assert due("1 working day", "2027-03-25T16:00", SCOTLAND) == local("2027-03-29T17:00")


def test_case_5_the_school_opens_on_the_last_day_of_term():
    school = WorkingCalendar(HOLIDAYS["ENG"], school_days=LAST_TERM_DAYS)
    assert due("next school day", "2026-12-22T10:00", school) == local("2026-12-23T08:30")


def test_a_school_without_further_terms_is_not_guessed():
    school = WorkingCalendar(HOLIDAYS["ENG"], school_days=LAST_TERM_DAYS)
    within, start = Within.parse("next school day"), local("2026-12-23T10:00")
    with pytest.raises(PolicyError, match="term dates end"):
        exact(within, start=start, calendar=school)
    assert "term dates end" in compute(within, start=start, calendar=school).words


def test_a_local_closure_does_not_count_and_is_named():
    office = WorkingCalendar(HOLIDAYS["ENG"], closures={date(2026, 12, 21): "moving house"})
    deadline = compute(
        Within.parse("4 working hours"), start=local("2026-12-18T16:50"), calendar=office
    )
    assert deadline.due_at == local("2026-12-22T12:50")
    assert deadline.words == (
        "4 working hours: Fri 18 Dec 16:50 to 17:00, Tue 22 Dec 09:00 to 12:50; not counted: "
        "Sat 19 Dec (not open), Sun 20 Dec (not open), Mon 21 Dec (moving house)"
    )


def test_calendar_hours_are_elapsed_time_when_the_clocks_change():
    assert due("4 hours", "2027-03-27T23:00") == local("2027-03-28T04:00")
    assert due("4 hours", "2027-10-30T23:00") == local("2027-10-31T02:00")


def test_the_words_name_the_bank_holidays():
    deadline = compute(
        Within.parse("1 working day"), start=local("2026-12-24T18:30"), calendar=ENGLAND
    )
    assert deadline.words == (
        "close of business on Tue 29 Dec 17:00, 1 working day after Thu 24 Dec; not counted: "
        "Fri 25 Dec (Christmas Day), Sat 26 Dec (not open), Sun 27 Dec (not open), "
        "Mon 28 Dec (Boxing Day (observed))"
    )


@pytest.mark.parametrize(
    "text", ["", "4", "0 hours", "-1 hours", "4 weeks", "4 hours ", "1000 hours", "four hours"]
)
def test_a_length_that_the_policy_does_not_know_is_refused(text):
    with pytest.raises(PolicyError, match="next school day"):
        Within.parse(text)


@pytest.mark.parametrize("text", ["1 hour", "4 working hours", "1 working day", "next school day"])
def test_a_length_is_written_as_it_is_read(text):
    assert str(Within.parse(text)) == text


def minute_by_minute(start: datetime, minutes: int, office: WorkingCalendar) -> datetime:
    """Count open minutes one at a time: slow, and hard to get wrong."""
    at = start
    while minutes:
        minutes -= bool(office.is_open(at))
        at += MINUTE
    return at


def day_by_day(start: datetime, days: int, office: WorkingCalendar) -> date:
    """Count open days one at a time."""
    day = start.astimezone(LONDON).date()
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5 and day not in HOLIDAYS[office.nation].days
    return day


@examples(60)
@given(starts, some.integers(1, 12), offices)
def test_working_hours_agree_with_counting_minutes(start, hours, office):
    deadline = compute(Within(hours, Unit.WORKING_HOUR), start=start, calendar=office)
    assert deadline.due_at == minute_by_minute(start, hours * 60, office)
    counted = sum((span.end - span.start for span in deadline.spans), timedelta())
    assert counted == timedelta(hours=hours)


@given(starts, some.integers(1, 20), offices)
def test_working_days_agree_with_counting_days(start, days, office):
    deadline = compute(Within(days, Unit.WORKING_DAY), start=start, calendar=office)
    expected = datetime.combine(day_by_day(start, days, office), datetime.min.time(), LONDON)
    assert deadline.due_at == expected.replace(hour=17)


@given(starts, starts, some.integers(1, 20), some.sampled_from(Unit), offices)
def test_a_later_start_is_never_due_earlier(one, other, count, unit, office):
    first, second = (
        compute(Within(count, unit), start=start, calendar=office).due_at
        for start in sorted((one, other))
    )
    assert first <= second


@given(starts, some.integers(1, 20), some.sampled_from(sorted(set(Unit) - {Unit.SCHOOL_DAY})))
def test_more_time_is_always_due_later(start, count, unit):
    fewer, more = (
        compute(Within(number, unit), start=start, calendar=ENGLAND).due_at
        for number in (count, count + 1)
    )
    assert fewer < more
