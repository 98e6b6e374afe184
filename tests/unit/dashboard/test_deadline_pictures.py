"""The next 24 hours and the last 28 days: what is drawn is what is in the table."""

from datetime import UTC, date, datetime, timedelta

import pytest

from broker.dashboard.pictures.day_strips import day_strips, finding, kind_of, small_strip
from broker.dashboard.pictures.deadline_hours import deadline_hours
from broker.domain.pictures import DayOfDeadlines, HourOfDeadlines
from tests.unit.dashboard.conftest import STYLED, check, texts

FIRST = datetime(2027, 4, 7, 1, 0, tzinfo=UTC)


def hours(late: int, *counts: tuple[int, int]) -> list[HourOfDeadlines]:
    ahead = [*counts, *[(0, 0)] * (24 - len(counts))]
    return [
        HourOfDeadlines(None, late, 0),
        *(
            HourOfDeadlines(FIRST + timedelta(hours=number), urgent, other)
            for number, (urgent, other) in enumerate(ahead)
        ),
    ]


def days(*counts: tuple[int, int]) -> list[DayOfDeadlines]:
    listed = [*[(0, 0)] * (28 - len(counts)), *counts]
    return [
        DayOfDeadlines(date(2027, 4, 7) - timedelta(days=27 - number), due, late)
        for number, (due, late) in enumerate(listed)
    ]


@pytest.mark.parametrize("deliveries", [3, 300, 30_000])
def test_the_hours_stay_small_and_say_what_the_table_says(deliveries: int) -> None:
    each = deliveries // 3
    picture = deadline_hours(hours(each, (each, 0), (0, each), *[(each, each)] * 22))
    check(picture, most_bytes=40_000)
    assert [cell.text for cell in picture.table.rows[0]] == [
        *("Late now", f"{each:,}", "0", f"{each:,}")
    ]
    assert picture.table.rows[1][0].text == "Now to 03:00"
    assert picture.table.rows[23][0].text == "Thu 8 Apr 00:00 to 01:00"
    assert [row[3].text for row in picture.table.rows[1:3]] == [f"{each:,}"] * 2
    assert (
        f"{each:,} late now. {each * 46:,} deadlines fall in the next 24 hours: " in picture.finding
    )
    for drawing in picture.drawings[:2]:
        assert drawing.count("<title>") == 1 + 1 + 1 + 44
        assert max(map(len, texts(drawing))) < 12
    for drawing in picture.drawings:
        assert drawing.count("pic-late") >= 1


def test_the_hours_name_the_busiest_one() -> None:
    picture = deadline_hours(hours(0, (1, 0), (2, 5), (1, 1)))
    assert picture.finding == (
        "None late now. 10 deadlines fall in the next 24 hours: the most between 03:00 and 04:00"
        " (7)."
    )
    alone = deadline_hours(hours(2, (1, 0)))
    assert alone.finding == "2 late now. 1 deadline falls in the next 24 hours."


def test_where_nothing_is_due_nothing_is_drawn() -> None:
    picture = deadline_hours(hours(0))
    assert (list(picture.drawings), len(picture.table.rows)) == ([], 25)
    assert picture.finding == "None late now. No deadline falls in the next 24 hours."
    strip = day_strips(days())
    assert (list(strip.drawings), len(strip.table.rows)) == ([], 28)
    assert strip.finding == "No deadline fell in the last 28 days."


@pytest.mark.parametrize(
    ("due", "late", "kind"),
    [(0, 0, "none"), (5, 0, "well"), (5, 1, "few"), (5, 2, "few"), (5, 3, "many")],
)
def test_a_day_is_one_of_four_kinds(due: int, late: int, kind: str) -> None:
    assert kind_of(DayOfDeadlines(date(2027, 4, 7), due, late)) == kind


@pytest.mark.parametrize("deliveries", [3, 300, 30_000])
def test_a_strip_stays_small_and_counts_what_was_missed(deliveries: int) -> None:
    picture = day_strips(days(*[(deliveries, deliveries)] * 28))
    check(picture, most_bytes=20_000)
    total = f"{deliveries * 28:,}"
    assert (
        picture.finding == f"{total} of {total} deadlines missed in the last 28 days, on 28 days."
    )
    assert [cell.text for cell in picture.table.rows[27]] == [
        *("Wed 7 Apr", f"{deliveries:,}", f"{deliveries:,}")
    ]
    for drawing in picture.drawings:
        assert drawing.count('class="pic-late"') == 28
        assert texts(drawing)[-1] == "Today"


def test_a_strip_of_a_list_says_its_finding() -> None:
    strip = str(small_strip("strip-stoke-csc", days((4, 1), (4, 3), (4, 0))))
    assert "4 of 12 deadlines missed in the last 28 days, on 2 days." in strip
    assert finding(days((4, 0))) == "All of 4 deadlines met in the last 28 days."
    assert len(strip) < 1_600
    assert STYLED.search(strip) is None
    assert [strip.count(f'class="pic-{kind}"') for kind in ("few", "late", "well")] == [1, 1, 1]
