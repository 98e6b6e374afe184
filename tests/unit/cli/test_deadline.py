"""``broker deadline compute`` does the sums that routing does."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from broker.shipped import POLICY
from tests.unit.cli.conftest import Run


def compute(run: Run, nation: str, within: str, start: str) -> dict[str, Any]:
    ran = run(
        "deadline", "compute", "--nation", nation, "--within", within, "--from", start, "--json"
    )
    assert ran.code == 0
    value: dict[str, Any] = json.loads(ran.out)
    return value


@pytest.mark.parametrize(
    ("nation", "within", "start", "due_at"),
    [
        ("ENG", "4 working hours", "2026-12-18T16:50", "2026-12-21T12:50:00+00:00"),
        ("ENG", "4 hours", "2026-12-24T18:30", "2026-12-24T22:30:00+00:00"),
        ("ENG", "1 working day", "2026-12-24T18:30", "2026-12-29T17:00:00+00:00"),
        ("ENG", "1 working day", "2027-03-25T16:00", "2027-03-30T17:00:00+01:00"),
        ("SCT", "1 working day", "2027-03-25T16:00", "2027-03-29T17:00:00+01:00"),
        ("ENG", "next school day", "2026-12-18T16:50", "2026-12-21T08:30:00+00:00"),
        ("ENG", "4 hours", "2026-12-18T16:50:00Z", "2026-12-18T20:50:00+00:00"),
    ],
)
def test_it_says_when_something_is_due(
    run: Run, nation: str, within: str, start: str, due_at: str
) -> None:
    answer = compute(run, nation, within, start)
    assert answer["due_at"] == due_at
    assert set(answer) == {"nation", "within", "from", "due_at", "explanation", "calendar"}


def test_it_says_how_it_counted(run: Run) -> None:
    explanation = compute(run, "ENG", "4 working hours", "2026-12-18T16:50")["explanation"]
    assert "16:50 to 17:00" in explanation


@pytest.mark.parametrize(
    ("within", "start", "code"),
    [
        ("soon", "2026-12-18T16:50", 2),
        ("4 hours", "some day", 2),
        ("1 working day", "2031-01-01T10:00", 3),
    ],
)
def test_what_cannot_be_computed_is_refused(run: Run, within: str, start: str, code: int) -> None:
    ran = run("deadline", "compute", "--nation", "ENG", "--within", within, "--from", start)
    assert ran.code == code
    assert not ran.out


def test_it_says_which_calendar_counted(run: Run) -> None:
    digest = sha256((POLICY / "bank_holidays.yaml").read_bytes()).hexdigest()
    calendar = compute(run, "ENG", "4 working hours", "2026-12-18T16:50")["calendar"]
    assert (calendar["sha256"], calendar["ends"]) == (digest, "2028-12-31")
    options = ("--nation", "ENG", "--within", "4 hours", "--from", "2026-12-18T16:50")
    assert f"calendar 2028-12-31-{digest[:8]}: " in run("deadline", "compute", *options).out
