"""What an agency at a terminal sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.sdk.scripted import Script

ONE = "0193e0a0-0000-7000-8000-000000000001"


def delivery(number: int) -> dict[str, Any]:
    return {
        "delivery": f"d{number}",
        "referral": "r1",
        "reference": "REF/1",
        "publisher": "staffordshire-police",
        "agency": "stoke-csc",
        "attempt": 1,
        "role": "lead",
        "why": "The child lives in this council's area.",
        "deadlines": {"acknowledge_by": "2026-12-21T12:50:00+00:00"},
        "warnings": [{"pointer": "/grade", "code": "grade-low", "message": "It contradicts."}],
        "defects": [{"pointer": "", "code": "no-voice", "message": "No child was asked."}],
        "lease": {"id": f"l{number}", "until": "2099-12-18T17:00:00+00:00"},
        "handling": {"marking": "OFFICIAL-SENSITIVE"},
        "content": {"children": []},
    }


@pytest.fixture
def offered(script: Script) -> None:
    """Two deliveries wait, and then none."""
    script.say("/v1/collect", 200, {"deliveries": [delivery(1), delivery(2)]})
    script.say("/v1/collect", 200, {"deliveries": []})
    script.say("/v1/receipts", 200, {"results": []})
    script.say("/v1/leases/release", 200, {"leases": []})


def stages(script: Script) -> dict[str, str]:
    bodies = script.bodies("/v1/receipts")
    return {
        receipt["delivery"]: receipt["stage"] for body in bodies for receipt in body["receipts"]
    }


@pytest.mark.usefixtures("offered")
def test_collecting_prints_each_delivery_and_says_that_software_has_it(
    police: Run, script: Script
) -> None:
    ran = police("collect", "--json")
    assert [json.loads(line)["delivery"] for line in ran.out.splitlines()] == ["d1", "d2"]
    assert stages(script) == {"d1": "collected", "d2": "collected"}
    assert ran.err == "2 collected\n"


@pytest.mark.usefixtures("offered")
def test_collecting_tells_a_person_why_by_when_and_what_is_missing(police: Run) -> None:
    out = police("collect", "--max", "1").out
    assert "d1  REF/1  lead\n  The child lives in this council's area.\n" in out
    assert "acknowledge by Mon 21 Dec 2026 12:50" in out
    assert "warning: It contradicts. (/grade)" in out
    assert "defect: No child was asked. (/)" in out


@pytest.mark.usefixtures("offered")
def test_collecting_into_a_folder_writes_files_for_their_owner_alone(
    police: Run, tmp_path: Path
) -> None:
    police("collect", "--into", str(tmp_path / "inbox"))
    files = sorted((tmp_path / "inbox").iterdir())
    assert [file.name for file in files] == ["d1.json", "d2.json"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert json.loads(files[0].read_text())["delivery"] == "d1"


@pytest.mark.usefixtures("offered")
def test_what_is_over_the_maximum_is_given_back(police: Run, script: Script) -> None:
    police("collect", "--max", "1")
    assert stages(script) == {"d1": "collected"}
    (released,) = script.bodies("/v1/leases/release")
    assert released["leases"][0]["delivery"] == "d2"


@pytest.mark.usefixtures("offered")
def test_what_cannot_be_written_is_not_said_to_be_collected(
    police: Run, script: Script, tmp_path: Path
) -> None:
    (tmp_path / "inbox").write_text("a file, not a folder")
    ran = police("collect", "--into", str(tmp_path / "inbox" / "below"))
    assert ran.code == 1
    assert stages(script) == {}


@pytest.mark.parametrize(
    ("result", "code"), [("recorded", 0), ("already", 0), ("not_found", 4), ("conflict", 6)]
)
def test_an_answer_has_the_exit_code_of_what_became_of_it(
    police: Run, script: Script, result: str, code: int
) -> None:
    settled = {"delivery": "d1", "result": result, "state": "acknowledged", "at": None}
    script.say("/v1/receipts", 200, {"results": [settled]})
    assert police("answer", ONE, "acknowledged", "--by", "A. Person", "--json").code == code


@pytest.mark.parametrize(
    "arguments",
    [
        ("decided",),
        ("acknowledged", "--outcome", "advice"),
        ("returned",),
        ("decided", "--reason", "not_ours"),
        ("decided", "--outcome", "no-such-outcome"),
    ],
)
def test_an_answer_that_makes_no_sense_is_not_sent(
    police: Run, script: Script, arguments: tuple[str, ...]
) -> None:
    assert police("answer", ONE, *arguments, "--by", "A. Person").code == 2
    assert not script.calls
