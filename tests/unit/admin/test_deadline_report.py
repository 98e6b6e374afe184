"""Which stretch of time is meant, and a table that no spreadsheet takes for a program."""

import csv
import io
from datetime import timedelta

import pytest

from broker.admin.deadline_report import as_csv, parse_period
from broker.cli.durations import format_duration
from broker.domain.codes import Milestone
from broker.errors import Invalid
from broker.ledger.deadline_report import LEGS, REFERRALS, STAGES, VERDICTS, Figures, Spread


def line(of: str) -> Figures:
    return Figures(
        by="agency",
        of=of,
        referrals=dict.fromkeys(REFERRALS, 1),
        legs=dict.fromkeys(LEGS, 2),
        stages=dict.fromkeys(STAGES, Spread(1, timedelta(seconds=1.5), timedelta(seconds=2))),
        deadlines={milestone: dict.fromkeys(VERDICTS, 3) for milestone in Milestone},
    )


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-12-01", "2026-12-01", 24),
        ("2027-03-28", "2027-03-28", 23),
        ("2026-10-25", "2026-10-25", 25),
        ("2026-12-01T10:00", "2026-12-01T12:00", 2),
        ("2026-12-01T10:00Z", "2026-12-01T12:00+01:00", 1),
    ],
)
def test_days_are_local_and_the_last_one_is_whole(since: str, until: str, hours: int) -> None:
    period = parse_period(since, until)
    assert period.until.timestamp() - period.since.timestamp() == hours * 3600


def test_the_days_of_two_stretches_meet_without_gap_or_overlap() -> None:
    assert (
        parse_period("2026-10-01", "2026-10-25").until
        == parse_period("2026-10-26", "2026-10-31").since
    )


@pytest.mark.parametrize(
    "text", ["", "2026-02-30", "2026-12-01T25:00", "99999-01-01", "١٢٣٤-٠١-٠١"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_period(text, "2026-12-31")
    assert refused.value.faults[0].pointer == "/from"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        *[(text, f"'{text}") for text in ("=1+1", "+1", "-1", "@sum")],
        *[("\tx", "x"), ("\rx", "x"), ("\n=1", "'=1")],
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_marked_as_text(text: str, cell: str) -> None:
    (row,) = csv.DictReader(io.StringIO(as_csv([line(text)]), newline=""))
    assert row["of"] == cell


def test_a_line_has_a_cell_for_every_figure() -> None:
    (row,) = csv.DictReader(io.StringIO(as_csv([line("stoke-csc")])))
    assert row["of"] == "stoke-csc"
    assert row["accepted_to_decided_p90_seconds"] == "2.0"
    assert row["decide_without"] == "3"
    assert len(row) == 2 + 4 + 6 + 7 * 3 + 3 * 6


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.84, "0.8 s"), (61, "1 min 01 s"), (7500, "2 h 05 min"), (200_000, "2 d 7 h")],
)
def test_a_length_is_written_in_two_units(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words
