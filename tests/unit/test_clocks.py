"""Where the time comes from: the system, or a file that a test turns."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from re import compile as pattern

from broker.bootstrap import clock_of, file_clock, utc_now
from broker.settings import Settings
from tests.conftest import ROOT

READS_HOST = pattern(r"datetime\.now\(|\butcnow\(|\btime\.time\b(?!\w)|\butc_now\b")
"""Whatever reads the clock of the host."""
READERS = {
    "bootstrap.py": "what a file of a test is relative to, where there is no ledger",
    "ledger_clock.py": "compares it with the ledger's",
    "telemetry.py": "dates log lines, which nobody compares",
    "gateway/call_rates.py": "counts calls of a second by a library that goes by it",
    "web/openid_provider.py": "when a description was read, for a library that asks for it",
    "cli/database/policy.py": "opens channels to see which are set; nothing is dated",
    "cli/database/support_bundle.py": "dates an archive",
    "cli/http/reconcile.py": "which day yesterday was, for a publisher",
    "devstack/demo.py": "dates samples",
    "devstack/demo_report.py": "what a demonstration shows as late",
    "devstack/samples.py": "dates samples",
}
"""The modules that may, each with its reason. None writes an instant that another compares."""
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


def test_the_clock_of_the_host_is_read_where_nobody_compares_it() -> None:
    package = ROOT / "broker"
    readers = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if READS_HOST.search(path.read_text(encoding="utf-8"))
    }
    assert readers == READERS.keys()
    assert not any(
        READS_HOST.search(path.read_text(encoding="utf-8"))
        for path in (ROOT / "workers").rglob("*.py")
    )
