"""The shipped bank holidays are right, and bad data says so."""

from hashlib import sha256

import holidays as library
import pytest

from broker.errors import BeyondCalendar, PolicyError
from broker.policy.time.calendars import national, read_bank_holidays
from tests.unit.policy.conftest import SHIPPED


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
        office.windows(holidays["ENG"].ends.replace(year=2029, month=1, day=1))


def test_the_data_has_a_source_and_a_version_that_any_change_changes(holidays):
    text = SHIPPED.read_text(encoding="utf-8")
    edition = holidays["ENG"].edition
    assert "Banking and Financial Dealings Act 1971" in edition.source
    assert edition.sha256 == sha256(SHIPPED.read_bytes()).hexdigest()
    assert edition.version == f"2028-12-31-{edition.sha256[:8]}"
    other = read_bank_holidays(text.replace("May Day", "Early May", 1))["ENG"].edition
    assert other.version != edition.version
