"""When an office next opens or closes, held against a reference that goes minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import assume, example, given

from broker.policy.time.calendars import BankHolidays, WorkingCalendar
from broker.policy.time.turns import next_closing, next_opening
from tests.conftest import examples
from tests.unit.policy.time.test_calendars import ENGLAND, MINUTE, is_open_minute, offices, starts

FAR = timedelta(days=12)


def changes(start: datetime, office: WorkingCalendar, *, opens: bool) -> datetime | None:
    """Go through the minutes after a start until the office opens, or closes."""
    before, at = is_open_minute(start, office), start + MINUTE
    while at <= start + FAR:
        now = is_open_minute(at, office)
        if now is opens and before is not opens:
            return at
        before, at = now, at + MINUTE
    return None


@examples(60)
@given(starts, offices(closed_days=3))
@example(datetime(2026, 12, 24, 18, 30, tzinfo=UTC), ENGLAND)
@example(datetime(2026, 12, 16, 16, 55, tzinfo=UTC), ENGLAND)
@example(datetime(2026, 12, 16, 17, 0, tzinfo=UTC), ENGLAND)
def test_turns_agree_with_going_through_the_minutes(
    start: datetime, office: WorkingCalendar
) -> None:
    # Of the night before the calendar begins nothing is known, and no turn is guessed.
    assume(office.first_day(start) >= office.bank_holidays.begins)
    for turn, opens in ((next_opening, True), (next_closing, False)):
        slow, fast = changes(start, office, opens=opens), turn(office, start)
        assert slow == fast or (slow is None and (fast is None or fast > start + FAR))


def test_an_office_that_never_closes_or_never_opens_has_no_turn() -> None:
    whole = dict.fromkeys(range(7), ((time(0), time(0)),))
    always = WorkingCalendar(BankHolidays("ENG", {}, ENGLAND.bank_holidays.edition), whole)
    start = datetime(2026, 12, 16, 12, tzinfo=UTC)
    assert next_closing(always, start) is None
    never = WorkingCalendar(ENGLAND.bank_holidays, {})
    assert next_opening(never, start) is next_closing(never, start) is None


def test_where_the_calendar_ends_no_turn_is_guessed() -> None:
    ends = datetime.combine(ENGLAND.bank_holidays.ends, time(20), UTC)
    assert next_opening(ENGLAND, ends) is next_closing(ENGLAND, ends) is None
