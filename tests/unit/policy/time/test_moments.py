"""Instants and lengths of time as pages and emails show them."""

from datetime import UTC, datetime, timedelta

import pytest

from broker.policy.time.moments import length, moment, time_left, to_the_second

NOW = datetime(2026, 11, 28, 16, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 11, 28, 16, 50, tzinfo=UTC), "today 16:50"),
        (datetime(2026, 11, 28, 0, 0, tzinfo=UTC), "today 00:00"),
        (datetime(2026, 11, 27, 23, 59, tzinfo=UTC), "yesterday 23:59"),
        (datetime(2026, 11, 29, 9, 0, tzinfo=UTC), "tomorrow 09:00"),
        (datetime(2026, 11, 30, 9, 0, tzinfo=UTC), "Monday 30 November, 09:00"),
        (datetime(2027, 7, 1, 8, 0, tzinfo=UTC), "Thursday 1 July 2027, 09:00"),
    ],
)
def test_an_instant_on_a_screen(at: datetime, text: str) -> None:
    assert moment(at, NOW) == text


def test_an_instant_on_paper_has_its_date_in_full() -> None:
    assert moment(NOW) == "Saturday 28 November 2026, 16:25"
    assert to_the_second(NOW + timedelta(seconds=7)) == "Saturday 28 November 2026, 16:25:07"


@pytest.mark.parametrize(
    ("hour", "text"),
    [
        (0, "Sunday 25 October 2026, 01:30:12 BST"),
        (1, "Sunday 25 October 2026, 01:30:12 GMT"),
    ],
)
def test_the_hour_that_comes_twice_says_which_it_is(hour: int, text: str) -> None:
    assert to_the_second(datetime(2026, 10, 25, hour, 30, 12, tzinfo=UTC)) == text


def test_lengths_and_what_is_left() -> None:
    assert length(timedelta(hours=3, minutes=10)) == "3 hours 10 minutes"
    assert length(timedelta(days=1, hours=5)) == "1 day"
    assert time_left(NOW + timedelta(minutes=25), NOW) == "25 minutes left"
    assert time_left(NOW - timedelta(minutes=1), NOW) == "1 minute late"
