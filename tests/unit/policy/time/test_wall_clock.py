"""On the night on which the clocks go back, nobody has to guess which 01:30 is meant."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from broker.cli.output import local
from broker.cli.referral_view import _clock
from broker.dashboard.pictures.deadline_hours import deadline_hours
from broker.dashboard.pictures.local_times import clock
from broker.domain.pictures import HourOfDeadlines
from tests.conftest import ROOT

SUMMER = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
WINTER = SUMMER + timedelta(hours=1)
READ_OR_NO_DAY = {
    "broker/cli/http/holds.py",  # what a person types
    "broker/referral_form/form_values.py",
    "broker/policy/published/lint.py",  # opening hours of any week
    "broker/policy/time/calendars.py",
    "broker/devstack/sample_referrals.py",  # UTC
}
SAID_BESIDE = {
    "broker/cli/referral_view.py",  # with seconds, and BST or GMT behind them
    "broker/policy/time/moments.py",
    "broker/dashboard/pictures/axis.py",  # a scale, on which the hours stand in their order
}


@pytest.mark.parametrize(("at", "zone"), [(SUMMER, "BST"), (WINTER, "GMT")])
def test_a_time_that_comes_twice_says_which_it_is(at: datetime, zone: str) -> None:
    assert local(at) == f"Sun 25 Oct 2026 01:30 {zone}"
    assert clock(at) == f"Sun 25 Oct 01:30 {zone}"
    assert _clock(at.isoformat()) == f"01:30:00.000 {zone}"
    assert local(at + timedelta(days=1)).endswith(":30")


def test_the_hours_of_that_night_differ_in_their_words() -> None:
    begins_at = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    ahead = [HourOfDeadlines(begins_at + timedelta(hours=n), n == 3, 0) for n in range(24)]
    picture = deadline_hours([HourOfDeadlines(None, 0, 0), *ahead])
    rows = [row[0].text for row in picture.table.rows]
    assert rows[3:5] == [
        "Sun 25 Oct 01:00 BST to 01:00 GMT",
        "Sun 25 Oct 01:00 GMT to 02:00 GMT",
    ]
    narrow = str(picture.drawings[-1])
    label, bar = re.findall(r">(01:00 GMT to [^<]*)</text><rect x=\"([0-9]+)", narrow)[0]
    assert int(bar) >= 7 * len(label)


def test_no_other_module_writes_a_time_of_day_for_people() -> None:
    writing = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "broker").rglob("*.py")
        if re.search("%H:%M", path.read_text(encoding="utf-8"))
    }
    assert writing == READ_OR_NO_DAY | SAID_BESIDE
