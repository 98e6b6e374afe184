"""Warnings and clocks that stood, compared with a reference that counts minute by minute."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from broker.policy.time.calendars import (
    LONDON,
    WorkingCalendar,
    national,
    read_bank_holidays,
)
from broker.policy.time.clocks import point, resumed
from broker.policy.time.deadlines import Span, Unit, Within, compute
from tests.conftest import examples
from tests.unit.policy.time.test_calendars import (
    is_open_day,
    near_a_turn,
    offices,
    open_minutes,
)

HOLIDAYS = read_bank_holidays(
    (Path(__file__).parents[4] / "policies/england/bank_holidays.yaml").read_text(encoding="utf-8")
)
ENGLAND = national("ENG", HOLIDAYS)
MINUTE = timedelta(minutes=1)
NATIONS = st.sampled_from([national(nation, HOLIDAYS) for nation in HOLIDAYS])
STARTS = st.one_of(
    st.integers(0, 30 * 24 * 60).map(lambda m: datetime(2026, 12, 10, tzinfo=UTC) + m * MINUTE),
    st.integers(0, 10 * 24 * 60).map(lambda m: datetime(2027, 3, 22, tzinfo=UTC) + m * MINUTE),
    st.integers(0, 5 * 24 * 60).map(lambda m: datetime(2028, 2, 27, tzinfo=UTC) + m * MINUTE),
    st.integers(0, 5 * 24 * 60).map(lambda m: datetime(2026, 10, 23, tzinfo=UTC) + m * MINUTE),
)
"""Christmas and New Year, Easter with the clocks going on, a leap day, the clocks going back."""
WITHINS = st.sampled_from(
    [
        Within(15, Unit.CALENDAR_MINUTE),
        Within(4, Unit.CALENDAR_HOUR),
        Within(4, Unit.WORKING_HOUR),
        Within(1, Unit.WORKING_DAY),
        Within(2, Unit.WORKING_DAY),
    ]
)
PAUSES = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 2000)), max_size=3)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


def spans(start: datetime, pauses: Sequence[tuple[int, int]]) -> list[Span]:
    return [Span(start + at * MINUTE, start + (at + long) * MINUTE) for at, long in pauses]


def runs(unit: Unit, minute: datetime, calendar: WorkingCalendar, stood: Sequence[Span]) -> bool:
    """Tell whether a clock runs in the minute that begins at an instant."""
    if any(span.start <= minute < span.end for span in stood):
        return False
    return unit in (Unit.CALENDAR_HOUR, Unit.CALENDAR_MINUTE) or bool(calendar.is_open(minute))


def counted(
    within: Within, start: datetime, calendar: WorkingCalendar, stood: Sequence[Span]
) -> datetime:
    """The deadline, by counting every single minute."""
    plain = compute(within, start=start, calendar=calendar).due_at
    needed, at = 0, start
    while at < plain:
        needed += runs(within.unit, at, calendar, ())
        at += MINUTE
    at = start
    while needed:
        needed -= runs(within.unit, at, calendar, stood)
        at += MINUTE
    if within.unit is Unit.WORKING_DAY and at != plain:
        return calendar.windows(calendar.local(at - MINUTE).date())[-1][1]
    return at


@pytest.mark.parametrize(
    ("within", "start", "percent", "at"),
    [
        ("4 hours", "2026-12-24T18:30", 50, "2026-12-24T20:30"),
        # Ten minutes of Friday, then Monday from nine.
        ("4 working hours", "2026-12-18T16:50", 50, "2026-12-21T10:50"),
        ("4 working hours", "2026-12-18T16:50", 90, "2026-12-21T12:26"),
        # One hour on Thursday and eight on Friday.
        ("1 working day", "2027-04-08T16:00", 50, "2027-04-09T12:30"),
        ("1 working day", "2027-04-08T16:00", 100, "2027-04-09T17:00"),
    ],
)
def test_a_warning_comes_while_somebody_is_there(
    within: str, start: str, percent: int, at: str
) -> None:
    length = Within.parse(within)
    due_at = compute(length, start=local(start), calendar=ENGLAND).due_at
    found = point(length.unit, start=local(start), due_at=due_at, percent=percent, calendar=ENGLAND)
    assert found == local(at)


def test_without_any_open_hour_before_it_the_clock_on_the_wall_counts() -> None:
    due_at = local("2026-12-21T08:30")
    start = local("2026-12-18T18:30")
    half = point(Unit.SCHOOL_DAY, start=start, due_at=due_at, percent=50, calendar=ENGLAND)
    assert half == start + (due_at - start) / 2


@examples(150)
@given(NATIONS, STARTS, WITHINS, PAUSES)
def test_a_clock_that_stood_goes_on_as_if_every_minute_were_counted(
    calendar: WorkingCalendar,
    start: datetime,
    within: Within,
    pauses: list[tuple[int, int]],
) -> None:
    stood = spans(start, pauses)
    found = resumed(within, start=start, calendar=calendar, stood=stood)
    assert found.due_at == counted(within, start, calendar, stood)


def open_until(end: datetime, start: datetime, office: WorkingCalendar) -> set[datetime]:
    """Return the open minutes from the day before a start on, by the wall."""
    days = (start.date() + timedelta(days=n) for n in range(-1, (end - start).days + 3))
    return {
        minute for day in days if is_open_day(day, office) for minute in open_minutes(day, office)
    }


@examples(60)
@given(offices(closed_days=3), near_a_turn, WITHINS, PAUSES)
def test_a_clock_that_stood_goes_on_in_any_office_as_if_every_minute_were_counted(
    office: WorkingCalendar, start: datetime, within: Within, pauses: list[tuple[int, int]]
) -> None:
    """Nights, breaks and the hours of both changes of the clocks included."""
    if within.unit not in (Unit.WORKING_HOUR, Unit.WORKING_DAY):
        reject()
    stood, far = spans(start, pauses), start + timedelta(days=40)
    plain = compute(within, start=start, calendar=office)
    minutes = open_until(far, start, office)
    needed = sum(start <= minute < plain.due_at for minute in minutes)
    paused = (any(span.start <= minute < span.end for span in stood) for minute in minutes)
    left = sorted(
        minute
        for minute, stands in zip(minutes, paused, strict=True)
        if minute >= start and not stands
    )
    if "counts in place of" in plain.words or not needed or len(left) < needed:
        reject()
    reached = left[needed - 1] + MINUTE
    if within.unit is Unit.WORKING_DAY and reached != plain.due_at:
        today = reached.astimezone(LONDON).date()
        nights = [today - timedelta(days=1), today]
        (worked,) = (
            open_minutes(day, office)
            for day in nights
            if is_open_day(day, office) and reached - MINUTE in open_minutes(day, office)
        )
        reached = worked[-1] + MINUTE
    found = resumed(within, start=start, calendar=office, stood=stood)
    assert found.due_at == reached


def test_a_night_is_closed_by_its_own_morning() -> None:
    """Working days of a night shift, paused into the next: until the end of that very night."""
    night = ((time(22), time(6)),)
    office = WorkingCalendar(HOLIDAYS["ENG"], dict.fromkeys(range(5), night))
    start, within = local("2027-04-05T23:00"), Within(1, Unit.WORKING_DAY)
    assert compute(within, start=start, calendar=office).due_at == local("2027-04-07T06:00")
    stood = [Span(local("2027-04-06T01:00"), local("2027-04-06T04:00"))]
    found = resumed(within, start=start, calendar=office, stood=stood)
    assert found.due_at == local("2027-04-08T06:00")


@examples(100)
@given(STARTS, WITHINS, PAUSES, st.randoms(use_true_random=False))
def test_the_order_of_pauses_and_how_they_are_cut_does_not_matter(
    start: datetime, within: Within, pauses: list[tuple[int, int]], random: object
) -> None:
    stood = spans(start, pauses)
    halves = [
        half
        for span in stood
        for middle in [span.start + (span.end - span.start) / 2]
        for half in (Span(middle, span.end), Span(span.start, middle))
    ]
    random.shuffle(halves)  # type: ignore[attr-defined]
    whole = resumed(within, start=start, calendar=ENGLAND, stood=stood).due_at
    assert resumed(within, start=start, calendar=ENGLAND, stood=halves).due_at == whole
    assert whole >= compute(within, start=start, calendar=ENGLAND).due_at


@examples(150)
@given(NATIONS, STARTS, WITHINS, PAUSES)
def test_warnings_come_in_order_and_never_after_the_deadline(
    calendar: WorkingCalendar, start: datetime, within: Within, pauses: list[tuple[int, int]]
) -> None:
    stood = spans(start, pauses)
    due_at = resumed(within, start=start, calendar=calendar, stood=stood).due_at
    first = compute(within, start=start, calendar=calendar).due_at
    points = [
        point(
            within.unit,
            start=start,
            due_at=due_at,
            percent=percent,
            calendar=calendar,
            stood=stood,
            first_due_at=first,
        )
        for percent in (1, 50, 75, 90, 100)
    ]
    assert points == sorted(points)
    assert start < points[0]
    assert points[-1] == due_at


def test_a_school_clock_that_stood_ends_at_a_school_opening() -> None:
    stood = [Span(local("2026-12-15T09:00"), local("2026-12-17T09:00"))]
    found = resumed(
        Within.parse("next school day"),
        start=local("2026-12-14T10:00"),
        calendar=ENGLAND,
        stood=stood,
    )
    # Due on Tuesday at 08:30, before the clock stood: nothing changes.
    assert found.due_at == local("2026-12-15T08:30")
    earlier = [Span(local("2026-12-14T12:00"), local("2026-12-16T12:00"))]
    moved = resumed(
        Within.parse("next school day"),
        start=local("2026-12-14T10:00"),
        calendar=ENGLAND,
        stood=earlier,
    )
    assert moved.due_at == local("2026-12-17T08:30")
    assert "the clock stood Mon 14 Dec 12:00 to Wed 16 Dec 12:00" in moved.words


@examples(150)
@given(NATIONS, STARTS, WITHINS, PAUSES, st.sampled_from([10, 50, 75, 90]))
def test_a_pause_moves_only_warnings_that_had_not_come(
    calendar: WorkingCalendar,
    start: datetime,
    within: Within,
    pauses: list[tuple[int, int]],
    percent: int,
) -> None:
    first = compute(within, start=start, calendar=calendar).due_at
    asked = {"start": start, "percent": percent, "calendar": calendar}
    before = point(within.unit, due_at=first, **asked)
    stood = [span for span in spans(start, pauses) if span.start >= before]
    due_at = resumed(within, start=start, calendar=calendar, stood=stood).due_at
    after = point(within.unit, due_at=due_at, stood=stood, first_due_at=first, **asked)
    assert after == before
