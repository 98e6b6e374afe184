"""Where the time comes from: the system, or a file that a test turns."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.bootstrap import clock_of, file_clock, utc_now
from broker.settings import Settings

ADDRESSES = ("postgresql://broker@db.example.org/broker", "redis://a.example.org", "redis://b")


def test_an_installation_has_the_clock_of_its_ledger() -> None:
    assert clock_of(Settings(*ADDRESSES), utc_now) is utc_now


def test_a_file_can_make_the_clock_stand(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text("2026-12-18T17:50:00+01:00\n")
    assert file_clock(file)() == datetime(2026, 12, 18, 16, 50, tzinfo=UTC)


def test_a_file_can_step_a_clock_that_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = file_clock(file)
    for seconds in ("+3600", "-90.5"):
        file.write_text(seconds)
        ahead = clock() - datetime.now(UTC) - timedelta(seconds=float(seconds))
        assert abs(ahead) < timedelta(seconds=1)
