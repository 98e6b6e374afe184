"""The support bundle says what is the matter, and nothing that is nobody's business."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from broker.admin import operator_actions, sign_in
from broker.domain.codes import Right
from broker.flow.context import Context
from broker.flow.sweep import Sweeper
from tests.acceptance.conftest import World, sample, world  # noqa: F401
from tests.conftest import CHILD_KEY
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]
MARK = "Zebrahollow"
FILES = {
    *("README.txt", "doctor.json", "versions.json", "settings.json", "ledger.json"),
    *("events.json", "server.json", "wakeups.json", "sha256.json"),
}


@pytest.fixture
def environment(context: Context, tmp_path: Path) -> dict[str, str]:
    """Settings whose secrets are marked."""
    secret = tmp_path / f"{MARK}-file"
    secret.write_text(MARK)
    settings = context.settings
    return {
        "BROKER_DATABASE_URL": f"{settings.database_url}&passfile=/tmp/{MARK}",
        "BROKER_WAKEUP_URL": settings.wakeup_url,
        "BROKER_EXCHANGE_URL": settings.exchange_url,
        "BROKER_CHILD_KEY": CHILD_KEY.hex(),
        "BROKER_SMTP_URL": f"smtp://{MARK}:{MARK}@mail.example.org:587/{MARK}?{MARK}",
        "BROKER_SMTP_SENDER": f"{MARK}@example.org",
        "BROKER_WEBHOOK_KEY_FILE": str(secret),
        "BROKER_NOTICE_COMMANDS": f"page=/opt/{MARK}",
        "BROKER_KEY": f"rb_{MARK}_{MARK}",
        "BROKER_POLICY_DIR": f"/home/{MARK}/policies",
        "BROKER_PUBLIC_URL": f"https://{MARK}:{MARK}@broker.example.org/{MARK}",
    }


def opened(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as zipped:
        return {
            name.removeprefix("broker-support/"): zipped.read(name).decode()
            for name in zipped.namelist()
        }


def marked_everywhere(context: Context, world: World) -> dict[str, Any]:  # noqa: F811
    """Let content, a reference, people and their reasons be marked."""
    document = json.loads(json.dumps(sample(2)))
    document["children"][0]["family_name"] = MARK
    document["reference"] = f"OCC/{MARK}/1"
    status = world.routed(document)
    (delivery,) = status["deliveries"]
    agency = delivery["agency"]
    sign_in.add(context.ledger, MARK, [Right.ACT], now=context.clock(), new_id=context.new_id)
    operator_actions.suspend_agency(context, agency, by=f"person:{MARK}", reason=MARK)
    world.answer(agency, delivery=delivery["id"], stage="acknowledged", by=MARK)
    Sweeper(context, f"{MARK}.example.org:1").sweep()
    return status


def test_it_tells_what_is_the_matter_and_hides_the_rest(
    run: Run,
    context: Context,
    world: World,  # noqa: F811
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    status = marked_everywhere(context, world)
    file = tmp_path / "support.zip"
    ran = run("doctor", "--bundle", str(file), **environment)
    assert "Wrote" in ran.out
    assert file.stat().st_mode & 0o777 == 0o600
    files = opened(file)
    assert set(files) == FILES
    assert all(name in ran.out for name in FILES)
    everything = "".join(files.values())
    assert MARK.lower() not in everything.lower()
    (delivery,) = status["deliveries"]
    for secret in (CHILD_KEY.hex(), status["id"], delivery["id"], "passfile"):
        assert secret not in everything
    settings = json.loads(files["settings.json"])
    assert settings["BROKER_SMTP_URL"] == "smtp://mail.example.org:587"
    assert settings["BROKER_CHILD_KEY"] == "set"
    ledger = json.loads(files["ledger.json"])
    assert [queue["agency"] for queue in ledger["queues"]] == [delivery["agency"]]
    assert [agency["agency"] for agency in ledger["stopped"]] == [delivery["agency"]]
    assert {lead["name"] for lead in ledger["leads"]} == {"sweep", "worker"}
    assert all(migration["applied"] for migration in ledger["migrations"])
    assert len(ledger["policies"][0]["sha256"]) == 64
    assert {ending["what"] for ending in ledger["endings"]} >= {"bank_holidays"}
    kinds = [load["kind"] for load in json.loads(files["events.json"])]
    assert kinds[0] == "delivery.acknowledged"
    assert {load["name"] for load in json.loads(files["server.json"])} >= {
        "shared_buffers",
        "fsync",
    }
    assert not [name for name, text in files.items() if '"error"' in text and name != "doctor.json"]


def test_a_file_that_is_there_is_not_overwritten(
    run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "support.zip"
    file.write_text("somebody's")
    ran = run("doctor", "--bundle", str(file), **environment)
    assert (ran.code, file.read_text()) == (1, "somebody's")
    assert "next:" in ran.err


def test_what_is_away_leaves_the_rest_of_it(
    run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    away = {
        "BROKER_DATABASE_URL": f"postgresql://{MARK}:{MARK}@127.0.0.1:9/{MARK}",
        "BROKER_WAKEUP_URL": "redis://127.0.0.1:9/0",
    }
    file = tmp_path / "support.zip"
    ran = run("doctor", "--json", "--bundle", str(file), **(environment | away))
    assert ran.code == 1
    assert set(json.loads(ran.out)["bundle"]["parts"]) == FILES
    files = opened(file)
    assert MARK.lower() not in "".join(files.values()).lower()
    assert json.loads(files["ledger.json"])["migrations"]["code"] == "unavailable"
    assert json.loads(files["wakeups.json"]) == {"error": "unavailable"}


def test_without_settings_it_says_so(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "support.zip"
    ran = run("doctor", "--bundle", str(file), BROKER_LOG_LEVEL="loud")
    assert ran.code == 1
    assert json.loads(opened(file)["ledger.json"])["code"] == "bad-settings"
