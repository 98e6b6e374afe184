"""The deadline report through the gateway and the command line, of real referrals."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.acceptance.conftest import sample
from tests.conftest import FixedClock
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

Key = Callable[..., dict[str, str]]
DECEMBER = {"from": "2026-12-01", "to": "2026-12-31"}


@pytest.fixture
def december(client: TestClient, key: Key, clock: FixedClock, drain: Callable[[], None]) -> None:
    """Case 1 acknowledged in time; case 5 with one leg late and one returned and sent on."""
    police, stoke = key("staffordshire-police", "publish"), key("stoke-csc", "collect")
    clock.set("2026-12-18T16:50+00:00")
    assert client.post("/v1/referrals", json=sample(1), headers=police).status_code == 202
    drain()
    clock.advance(hours=1)
    deliveries = client.get("/v1/queue", headers=stoke)
    assert deliveries.status_code == 200
    (first,) = legs(client, police, sample(1)["reference"])
    answered(client, stoke, first["id"], "acknowledged")

    clock.set("2026-12-22T10:00+00:00")
    assert client.post("/v1/referrals", json=sample(5), headers=police).status_code == 202
    drain()
    by_agency = {leg["agency"]: leg for leg in legs(client, police, sample(5)["reference"])}
    clock.set("2026-12-24T10:00+00:00")
    lado = key("staffordshire-lado", "collect")
    answered(client, lado, by_agency["staffordshire-lado"]["id"], "acknowledged")
    wrong = {"reason": "wrong_area", "area": "E06000051"}
    answered(client, stoke, by_agency["stoke-csc"]["id"], "returned", **wrong)


def legs(client: TestClient, police: dict[str, str], reference: str) -> list[dict[str, Any]]:
    referral = client.get("/v1/referrals", params={"reference": reference}, headers=police).json()
    deliveries: list[dict[str, Any]] = referral["deliveries"]
    return deliveries


def answered(client: TestClient, agency: dict[str, str], id_: str, stage: str, **more: str) -> None:
    receipt = {"delivery": id_, "stage": stage, "by": "A. Person", **more}
    report = client.post("/v1/receipts", json={"receipts": [receipt]}, headers=agency).json()
    assert report["results"][0]["result"] == "recorded"


@pytest.mark.usefixtures("december")
def test_the_report_counts_what_happened(client: TestClient, key: Key) -> None:
    report = client.get("/v1/reports/deadlines", params=DECEMBER, headers=key("ops", "ops")).json()
    assert report["since"] == "2026-12-01T00:00:00+00:00"
    assert report["until"] == "2027-01-01T00:00:00+00:00"
    lines = {(figure["by"], figure["of"]): figure for figure in report["figures"]}
    everything = lines["all", ""]
    assert (everything["referrals"], everything["legs"]) == (2, 5)
    assert (everything["returned"], everything["sent_on"]) == (1, 1)
    assert everything["deadlines"]["collect"]["without"] == 5
    stoke = lines["agency", "stoke-csc"]
    assert stoke["deadlines"]["acknowledge"] == {
        "in_time": 1,
        "late": 1,
        "open": 0,
        "overdue": 0,
        "ended": 0,
        "without": 0,
    }, "the one in time, and one that came back after its deadline"
    assert stoke["stages"]["accepted_to_acknowledged"] == {
        "count": 1,
        "median_seconds": 3600.0,
        "p90_seconds": 3600.0,
    }
    assert lines["agency", "staffordshire-lado"]["deadlines"]["acknowledge"]["late"] == 1
    assert lines["agency", "shropshire-csc"]["deadlines"]["acknowledge"]["overdue"] == 1
    assert lines["agency", "shropshire-csc"]["sent_on"] == 1
    assert {of for by, of in lines if by == "hour"} == {"10", "16"}
    assert {of for by, of in lines if by == "force"} == {"staffordshire-police"}


@pytest.mark.usefixtures("december")
def test_the_table_for_spreadsheets_says_the_same_without_references(
    client: TestClient, key: Key
) -> None:
    headers = key("ops", "ops")
    figures = client.get("/v1/reports/deadlines", params=DECEMBER, headers=headers).json()
    answer = client.get("/v1/reports/deadlines.csv", params=DECEMBER, headers=headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == len(figures["figures"])
    for row, one in zip(rows, figures["figures"], strict=True):
        assert (row["by"], row["of"], int(row["legs"])) == (one["by"], one["of"], one["legs"])
        assert int(row["acknowledge_late"]) == one["deadlines"]["acknowledge"]["late"]
        median = one["stages"]["accepted_to_acknowledged"]["median_seconds"]
        assert row["accepted_to_acknowledged_median_seconds"] == (
            "" if median is None else str(median)
        )
    for number in (1, 5):
        assert sample(number)["reference"] not in answer.text


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ({}, ["/from", "/to"]),
        ({"from": "2026-12-01"}, ["/to"]),
        ({"from": "December", "to": "2026-12-31"}, ["/from"]),
        ({"from": "2026-12-01", "to": "2026-11-30"}, ["/to"]),
        ({"from": "2020-01-01", "to": "2026-11-30"}, ["/to"]),
        ({"from": "9999-12-31", "to": "9999-12-31"}, ["/to"]),
        ({"from": "0001-01-01T00:00+14:00", "to": "9999-12-31"}, ["/from"]),
    ],
)
def test_a_stretch_that_makes_no_sense_is_refused(
    client: TestClient, key: Key, query: dict[str, str], pointers: list[str]
) -> None:
    for path in ("/v1/reports/deadlines", "/v1/reports/deadlines.csv"):
        answer = client.get(path, params=query, headers=key("ops", "ops"))
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers


@pytest.mark.usefixtures("december")
def test_the_command_prints_it_in_each_form(run: Run, address: str, key: Key) -> None:
    secret = key("ops", "ops")["Authorization"].removeprefix("Bearer ")

    def ran(*more: str) -> str:
        command = ("report", "deadlines", "--from", "2026-12-01", "--to", "2026-12-31", *more)
        done = run(*command, BROKER_URL=address, BROKER_KEY=secret)
        assert done.code == 0, done.err
        return done.out

    table = ran()
    assert re.search(
        r"agency stoke-csc +accepted to acknowledged +1 +1 h 00 min +1 h 00 min", table
    )
    assert re.search(r"agency shropshire-csc +acknowledge +0 +0 +0 +1 +0 +0", table)
    assert json.loads(ran("--format", "json"))["figures"][0]["legs"] == 5
    assert ran("--format", "csv").startswith("by,of,referrals,")
    wrong = run(
        *("report", "deadlines", "--from", "x", "--to", "2026-12-31"),
        BROKER_URL=address,
        BROKER_KEY=secret,
    )
    assert wrong.code == 3
    assert "/from" in wrong.err


@pytest.mark.usefixtures("december")
@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("promptness", {"what": "acknowledged", "name": "within_7_days"}),
        ("voice", {"what": "voice"}),
        ("missing", None),
        ("quality", {"what": "referral", "name": "all", "count": 2}),
        ("decisions", None),
    ],
)
def test_the_reports_for_inspectors_come_as_json_table_and_command(
    client: TestClient,
    key: Key,
    run: Run,
    address: str,
    name: str,
    figure: dict[str, Any] | None,
) -> None:
    headers = key("ops", "ops")
    figures = client.get(f"/v1/reports/{name}", params=DECEMBER, headers=headers).json()["figures"]
    everything = [line for line in figures if line["by"] == "all"]
    assert figure is None or any(figure.items() <= line.items() for line in everything), everything
    table = client.get(f"/v1/reports/{name}.csv", params=DECEMBER, headers=headers).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert rows == [{column: str(cell) for column, cell in line.items()} for line in figures]
    secret = headers["Authorization"].removeprefix("Bearer ")
    command = ("report", name, "--from", "2026-12-01", "--to", "2026-12-31", "--format", "csv")
    done = run(*command, BROKER_URL=address, BROKER_KEY=secret)
    assert (done.code, done.out.splitlines()) == (0, table.splitlines())
    police = key("staffordshire-police", "publish")
    assert client.get(f"/v1/reports/{name}", params=DECEMBER, headers=police).status_code == 403
    for number in (1, 5):
        assert sample(number)["reference"] not in table


@pytest.mark.usefixtures("december")
def test_one_page_says_who_was_told_on_what_basis_and_names_nobody(
    client: TestClient, key: Key, run: Run, address: str
) -> None:
    police = key("staffordshire-police", "publish")
    (delivery,) = legs(client, police, sample(1)["reference"])
    stoke = key("stoke-csc", "collect")
    for outcome in ("advice", "assessment"):
        more = {"outcome": outcome, "note": "Invented note"}
        answered(client, stoke, delivery["id"], "decided", **more)
    secret = key("ops", "ops")["Authorization"].removeprefix("Bearer ")
    query = {"reference": sample(1)["reference"]}
    referral = client.get("/v1/referrals", params=query, headers=police).json()["id"]
    done = run("report", "referral", referral, "--json", BROKER_URL=address, BROKER_KEY=secret)
    assert done.code == 0, done.err
    (line,) = json.loads(done.out)["deliveries"]
    assert (line["agency"], line["version"], line["role"]) == ("stoke-csc", 1, "lead")
    assert line["basis"]
    assert [made["outcome"] for made in line["decisions"]] == ["advice", "assessment"]
    assert "A. Person" not in done.out
    assert "Invented note" not in done.out
    page = run("report", "referral", referral, BROKER_URL=address, BROKER_KEY=secret)
    assert page.code == 0, page.err
    assert "assessment" in page.out


def test_what_is_handed_in_is_what_is_counted(
    client: TestClient, key: Key, clock: FixedClock, drain: Callable[[], None]
) -> None:
    """A missing child and one of whom nothing is known, from the hand-in to the figures."""
    clock.set("2026-12-18T10:00+00:00")
    police, ops = key("staffordshire-police", "publish"), key("ops", "ops")
    document = sample(6)
    document["children"].append({"id": "nobody-asked", "area": document["children"][0]["area"]})
    assert client.post("/v1/referrals", json=document, headers=police).status_code == 202
    drain()
    leads = [leg for leg in legs(client, police, document["reference"]) if leg["role"] == "lead"]
    assert leads
    unit = f"staffordshire-police/{document['referrer']['unit']}"

    def counted(name: str) -> dict[tuple[str, str], int]:
        answer = client.get(f"/v1/reports/{name}", params=DECEMBER, headers=ops).json()
        return {
            (line["what"], line["name"]): line["count"]
            for line in answer["figures"]
            if (line["by"], line["of"], line["month"]) == ("unit", unit, "2026-12")
        }

    voice = counted("voice")
    for what in ("age", "sex", "ethnicity", "disability", "language", "missing_status", "voice"):
        assert voice[what, "not_mentioned"] >= 1, what
        assert sum(count for (of, _), count in voice.items() if of == what) == 2, what
    missing = counted("missing")
    assert missing["known", "all"] == 1
    assert sum(count for (what, name), count in missing.items() if what == "shared") == 1
    assert missing["acknowledged", "not_yet"] == 1
    assert ("shared", "not_yet") not in missing
