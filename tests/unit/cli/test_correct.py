"""What a police officer at a terminal sees of corrections and recalls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_police import AT, ID, LEG, RECEIPT, STATUS, WHY
from tests.unit.sdk.scripted import Script

SECOND = RECEIPT | {"version": 2}
RECALLED = {
    "id": ID,
    "reference": "REF/1",
    "state": "routed",
    "recalled_at": AT,
    "reason": "wrong_person",
    "duplicate": False,
}


@pytest.fixture
def document(tmp_path: Path) -> str:
    file = tmp_path / "referral.json"
    file.write_text(json.dumps({"reference": "REF/1"}))
    return str(file)


def test_a_correction_finds_its_referral_by_the_reference(
    police: Run, script: Script, document: str
) -> None:
    script.say("/v1/referrals", 200, STATUS)
    script.say(f"/v1/referrals/{ID}/corrections", 202, SECOND)
    ran = police("correct", document, "--idempotency-key", "k")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "version 2: REF/1")
    assert script.calls[-1].headers["Idempotency-Key"] == "k"
    assert script.calls[-1].json == {"reference": "REF/1"}


def test_a_correction_without_a_reference_is_wrong_usage(
    police: Run, script: Script, tmp_path: Path
) -> None:
    for text in ("{}", "no json", "[]"):
        file = tmp_path / "referral.json"
        file.write_text(text)
        assert police("correct", str(file)).code == 2
    assert script.calls == []


def test_a_recall_says_why_and_who(police: Run, script: Script) -> None:
    script.say(f"/v1/referrals/{ID}/recall", 202, RECALLED)
    ran = police("recall", ID, "--reason", "wrong_person", "--by", "DS Farlow")
    assert (ran.code, "REF/1" in ran.out) == (0, True)
    assert script.calls[-1].json == {"reason": "wrong_person", "by": "DS Farlow"}
    assert police("recall", ID, "--reason", "whim", "--by", "X").code == 2


def test_a_status_tells_versions_regrades_and_recalls(police: Run, script: Script) -> None:
    moved = {"milestone": "acknowledge", "due_before": AT, "words_before": "one working day"}
    record = {"at": AT, "grade_before": "low", "grade": "immediate", "deadlines": [moved]}
    correction = LEG | {
        "kind": "correction",
        "version": 2,
        "explanation": WHY | {"changed": ["children"]},
    }
    regraded = LEG | {"explanation": WHY | {"rescheduled": [record]}}
    status = STATUS | {
        "version": 2,
        "versions": [{"version": 1, "accepted_at": AT}, {"version": 2, "accepted_at": AT}],
        "recalled_at": AT,
        "recalled_by": "DS Farlow",
        "recall_reason": "wrong_person",
        "deliveries": [regraded, correction],
    }
    script.say("/v1/referrals", 200, status)
    out = police("status", "REF/1").out
    for text in ("version 2, corrected", "by DS Farlow: wrong person", "correction, version 2"):
        assert text in out
    assert "low to immediate" in out
    assert "children" in out
