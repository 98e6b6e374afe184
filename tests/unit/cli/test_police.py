"""What a police officer at a terminal sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.sdk.scripted import Script

ID = "0193e0a0-0000-7000-8000-000000000001"
AT = "2026-12-18T16:50:00+00:00"
RECEIPT = {
    "id": ID,
    "reference": "REF/1",
    "state": "accepted",
    "accepted_at": AT,
    "digest": "ab" * 32,
    "duplicate": False,
}
WHY = {
    "row": "social-care",
    "sentence": "The council where the child lives must know.",
    "basis": "statute",
    "source": "Children Act 1989 section 47",
    "because": ["child-1 lives in Stoke-on-Trent"],
    "recipient": "the council of the child's area",
    "deadlines": [
        {
            "milestone": "acknowledge",
            "within": "4 working hours",
            "start": AT,
            "due_at": "2026-12-21T12:50:00+00:00",
            "words": "ten minutes on Friday, the rest on Monday",
        }
    ],
    "hold": None,
}
LEG: dict[str, Any] = {
    "id": "d1",
    "agency": "stoke-csc",
    "agency_name": "Stoke-on-Trent Children's Social Care",
    "role": "lead",
    "state": "decided",
    "outcome": "strategy_discussion",
    "acknowledged_at": "2026-12-21T12:50:01+00:00",
    "explanation": WHY,
}
STATUS: dict[str, Any] = {
    **RECEIPT,
    "publisher": "staffordshire-police",
    "state": "routed",
    "grade": "low",
    "effective_grade": "very_high",
    "warnings": [{"pointer": "/grade", "code": "grade-contradiction", "message": "It differs."}],
    "deliveries": [LEG],
}
EVENTS = {
    "events": [{"at": AT, "kind": "delivery.decided", "agency": "stoke-csc", "data": {"by": "x"}}]
}


@pytest.fixture
def document(tmp_path: Path) -> str:
    """A file to publish."""
    file = tmp_path / "referral.json"
    file.write_text('{"reference":"REF/1"}')
    return str(file)


def test_publish_shows_the_receipt_and_the_next_step(
    police: Run, script: Script, document: str
) -> None:
    script.say("/v1/referrals", 202, RECEIPT)
    ran = police("publish", document)
    assert ran.code == 0
    assert "accepted: REF/1" in ran.out
    assert ID in ran.out
    assert ran.err == "next:  broker status REF/1\n"


def test_publish_as_json_prints_the_receipt_and_nothing_else(
    police: Run, script: Script, document: str
) -> None:
    script.say("/v1/referrals", 202, RECEIPT)
    assert json.loads(police("publish", document, "--json").out) == RECEIPT


def test_publish_that_waits_says_who_gets_it_why_and_by_when(
    police: Run, script: Script, document: str
) -> None:
    script.say("/v1/referrals", 201, STATUS)
    out = " ".join(police("publish", document, "--wait").out.split())
    assert "Stoke-on-Trent Children's Social Care lead" in out
    assert "why The council where the child lives must know." in out
    assert "Mon 21 Dec 2026 12:50" in out


def test_check_says_in_words_who_would_get_it(police: Run, script: Script, document: str) -> None:
    available = {"agency": "stoke-csc", "role": "lead", "held_until": None, "explanation": WHY}
    held = {**available, "agency": "school-900001", "held_until": AT}
    plan = {"state": "routed", "effective_grade": "very_high", "deliveries": [available, held]}
    script.say("/v1/referrals/check", 200, plan)
    out = " ".join(police("publish", document, "--check").out.split())
    assert out.startswith("would be routed, treated as very high; nothing was stored")
    assert "stoke-csc lead available" in out
    assert "school-900001 lead held" in out
    assert "Mon 21 Dec 2026 12:50" in out
    assert json.loads(police("publish", document, "--check", "--json").out) == plan


def test_an_invalid_referral_is_exit_3_with_every_fault(
    police: Run, script: Script, document: str
) -> None:
    faults = [{"pointer": f"/{n}", "code": "required", "message": "Missing."} for n in "ab"]
    script.say("/v1/referrals", 422, {"title": "Invalid", "code": "invalid", "errors": faults})
    ran = police("publish", document, "--wait")
    assert ran.code == 3
    assert "/a: Missing. [required]" in ran.err
    assert "/b: Missing. [required]" in ran.err


def test_bulk_tells_each_line_and_ends_with_3_when_one_was_refused(
    police: Run, script: Script, tmp_path: Path
) -> None:
    file = tmp_path / "many.ndjson"
    file.write_text('{"reference":"REF/1"}\n\n{"reference":"REF/2"}\n')
    lines = [
        {"line": 1, "status": 202, "receipt": RECEIPT},
        {"line": 2, "status": 409, "problem": {"code": "reference-conflict", "title": "Taken"}},
    ]
    script.say("/v1/referrals/bulk", 200, "\n".join(map(json.dumps, lines)).encode())
    ran = police("publish", str(file), "--bulk", "--json")
    assert ran.code == 3
    assert [json.loads(line)["line"] for line in ran.out.splitlines()] == [1, 2]
    assert "1 accepted, 1 refused" in ran.err


def test_bulk_and_wait_exclude_each_other(police: Run, document: str) -> None:
    assert police("publish", document, "--bulk", "--wait").code == 2


def test_status_says_who_why_and_by_when(police: Run, script: Script) -> None:
    script.say("/v1/referrals", 200, STATUS)
    out = " ".join(police("status", "REF/1").out.split())
    assert "graded low, treated as very high" in out
    assert "Stoke-on-Trent Children's Social Care lead decided: strategy discussion" in out
    assert "because child-1 lives in Stoke-on-Trent" in out
    assert "statute: Children Act 1989 section 47" in out
    assert "Mon 21 Dec 2026 12:50 ✗" in out, "it was a second late"
    assert "warning It differs." in out


def test_the_timeline_tells_every_event(police: Run, script: Script) -> None:
    script.say("/v1/referrals", 200, STATUS)
    script.say(f"/v1/referrals/{ID}/timeline", 200, EVENTS)
    assert "16:50:00.000 delivery decided" in " ".join(police("timeline", "REF/1").out.split())
    assert json.loads(police("timeline", "REF/1", "--json").out) == EVENTS


def test_a_days_list_prints_what_has_no_referral(
    police: Run, script: Script, tmp_path: Path
) -> None:
    reconciled = {
        "day": "2026-12-18",
        "listed": 3,
        "referred": 1,
        "missing": ["a"],
        "rejected": ["b"],
    }
    script.say("/v1/reconciliations", 200, reconciled)
    file = tmp_path / "list"
    file.write_text("a\n\n b \nc\n")
    ran = police("reconcile", str(file), "--day", "2026-12-18")
    assert (ran.code, ran.out) == (0, "missing\ta\nrejected\tb\n")
    assert "3 listed, 1 have a referral" in ran.err
    sent = json.loads(script.calls[-1].body)
    assert sent == {"day": "2026-12-18", "references": ["a", "b", "c"]}
