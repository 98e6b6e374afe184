"""The shipped calendar data."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from broker.policy.time.calendars import BankHolidays, read_bank_holidays

SHIPPED = Path(__file__).parents[3] / "policies" / "england" / "bank_holidays.yaml"


@pytest.fixture(scope="session")
def holidays() -> Mapping[str, BankHolidays]:
    """The shipped bank holidays by nation."""
    return read_bank_holidays(SHIPPED.read_text(encoding="utf-8"))
