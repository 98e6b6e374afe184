"""The shipped bank holidays are right, and bad data says so."""

import holidays as library
import pytest

from broker.errors import BeyondCalendar, PolicyError
from broker.policy.calendars import national, read_bank_holidays


@pytest.mark.parametrize("nation", ["ENG", "WLS", "SCT", "NIR"])
def test_an_independent_library_agrees_on_every_working_weekday(holidays, nation):
    shipped = holidays[nation]
    years = range(2026, shipped.ends.year + 1)
    expected = library.UnitedKingdom(subdiv=nation, years=years)
    assert set(shipped.days) == {day for day in expected if day.weekday() < 5}


@pytest.mark.parametrize(
    "text", ["", "[]", "nations: {}", "ends: 2028-12-31", "ends: 2028-12-31\nnations: [x]", "{"]
)
def test_data_of_another_form_is_refused(text):
    with pytest.raises(PolicyError, match="cannot be read"):
        read_bank_holidays(text)


def test_an_unknown_nation_is_refused_by_name(holidays):
    with pytest.raises(PolicyError, match="FRA"):
        national("FRA", holidays)


def test_nothing_is_guessed_past_the_end_of_the_data(holidays):
    office = national("ENG", holidays)
    with pytest.raises(BeyondCalendar, match="Sun 31 Dec 2028"):
        office.opening(holidays["ENG"].ends.replace(year=2029, month=1, day=1))
