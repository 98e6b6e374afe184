"""The demo's report: a table, one referral, the counts, and one line of JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from referral_broker_client import Publisher

from broker.devstack.comparison import Evidence, compare
from broker.devstack.demo_progress import Progress, open_display
from broker.devstack.demo_report import print_report
from broker.domain.codes import Milestone
from tests.unit.devstack.evidence import NOW, STOKE, evidence, leg, referral
from tests.unit.sdk.scripted import Script

STATUS = {
    "id": "00000000-0000-0000-0000-000000000001",
    "reference": "REF/1",
    "publisher": "staffordshire-police",
    "state": "routed",
    "accepted_at": NOW.isoformat(),
    "grade": "low",
    "effective_grade": "very_high",
    "deliveries": [
        {
            "id": "d1",
            "agency": STOKE,
            "role": "lead",
            "state": "acknowledged",
            "acknowledged_at": NOW.isoformat(),
            "explanation": {
                "sentence": "The council where the child is leads.",
                "deadlines": [
                    {
                        "milestone": "acknowledge",
                        "due_at": (NOW + timedelta(hours=4)).isoformat(),
                        "words": "4 hours, counted by the clock",
                    }
                ],
            },
        }
    ],
}


def printed_by(evidence_: Evidence, script: Script, capsys: pytest.CaptureFixture[str]) -> str:
    """Print the report on this evidence, and return what was printed."""
    path = f"/v1/referrals/{STATUS['id']}"
    script.say(path, 200, STATUS)
    script.say(f"{path}/timeline", 200, {"events": []})
    with Publisher(script.url, "rb_k_secret") as police:
        print_report(evidence_, compare(evidence_), {STOKE: "Stoke"}, police, seconds=12.34)
    return capsys.readouterr().out


@pytest.fixture
def good() -> Evidence:
    met = dict.fromkeys(Milestone, NOW + timedelta(seconds=2))
    return evidence(referral(1, leg(1, met=met)), referral(2, state="rejected"))


def test_the_last_line_is_json_of_a_fixed_shape(
    good: Evidence, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    sums = json.loads(printed_by(good, script, capsys).splitlines()[-1])
    assert sums == {
        "published": 2,
        "accepted": 1,
        "rejected": 1,
        "unroutable": 0,
        "deliveries": 1,
        "collected": 1,
        "acknowledged": 1,
        "decided": 1,
        "lost": 0,
        "seconds": 12.3,
    }


def test_table_and_timeline_say_how_long_it_took_and_why(
    good: Evidence, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = printed_by(good, script, capsys)
    assert "2.00" in printed
    assert "The council where the child is leads." in printed
    assert "graded low, treated as very high" in printed
    assert "4 hours, counted by the clock" in printed
    assert "Ledger, agencies and feed agree" in printed


def test_each_difference_is_named(
    good: Evidence, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = printed_by(replace(good, notes={}), script, capsys)
    assert "stoke-csc never received it" in printed
    assert "agree" not in printed


def test_without_a_terminal_the_progress_is_a_line_now_and_then(
    good: Evidence, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_display({}) as display:
        for seconds in (0.0, 0.5, 1.0, 2.5):
            display.show(Progress(seconds, 1, 2, good.feed))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "published 1/2  deliveries 1  collected 1" in lines[0]
