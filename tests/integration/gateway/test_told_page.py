"""Who was told about one referral: the same through the API, CSV, the command line and the page."""

import csv
import html
import io
import json
import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from broker.domain.codes import Right
from broker.flow.context import Context
from tests.acceptance.conftest import World
from tests.acceptance.test_versions import acknowledge, changed, correct, decide, recall, siblings
from tests.integration.gateway.test_rights import ask, pages, signed_in
from tests.unit.cli.conftest import Run, run

__all__ = ["pages", "run"]
ROWS = """
select delivery.agency, delivery.version, delivery.kind, delivery.role, delivery.policy_row,
       delivery.state, delivery.collected_at, delivery.acknowledged_at,
       (select string_agg(outcome, ',' order by number) from answer
        where answer.delivery = delivery.id and stage = 'decided') as outcomes
from delivery where referral = %s order by delivery.id
"""


@pytest.fixture
def told_about(world: World) -> dict[str, Any]:
    """Two councils: one acknowledged, decided twice and got a correction, one just waits."""
    world.at("2027-03-25 10:00")
    status = world.routed(siblings())
    (first,) = world.collect("staffordshire-csc")
    acknowledge(world, "staffordshire-csc", first["delivery"])
    for outcome in ("advice", "assessment"):
        assert decide(world, "staffordshire-csc", first["delivery"], outcome) == "recorded"
    world.at("2027-03-25 11:00")
    correct(world, status, changed(siblings()))
    return status


def stored(context: Context, referral: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(context.settings.database_url) as connection:
        rows = connection.execute(ROWS.encode(), (referral,)).fetchall()
    assert len(rows) >= 3
    return rows


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_it_is_what_the_ledger_holds(
    world: World, context: Context, told_about: dict[str, Any]
) -> None:
    path = f"/v1/referrals/{told_about['id']}/told"
    report = world.client.get(path, headers=world.police).json()
    lines = [
        (
            *(line[name] for name in ("agency", "version", "kind", "role", "row", "state")),
            line["collected_at"] is not None,
            line["acknowledged_at"] is not None,
            ",".join(decision["outcome"] for decision in line["decisions"]) or None,
        )
        for line in report["deliveries"]
    ]
    rows = stored(context, told_about["id"])
    assert lines == [(*row[:6], row[6] is not None, row[7] is not None, row[8]) for row in rows]
    assert "advice,assessment" in [line[-1] for line in lines]
    assert [version["version"] for version in report["versions"]] == [1, 2]
    assert all(line["source"] and line["basis"] for line in report["deliveries"])


def test_every_door_says_the_same(
    world: World,
    context: Context,
    told_about: dict[str, Any],
    pages: TestClient,
    address: str,
    run: Run,
) -> None:
    path = f"/v1/referrals/{told_about['id']}/told"
    report = world.client.get(path, headers=world.police).json()
    table = world.client.get(f"{path}.csv", headers=world.police).text
    lines = list(csv.DictReader(io.StringIO(table)))
    for line, delivery in zip(lines, report["deliveries"], strict=True):
        for name in set(delivery) - {"decisions"}:
            assert line[name] == str("" if delivery[name] is None else delivery[name]), name
        assert line["decisions"].count("; ") == max(len(delivery["decisions"]) - 1, 0)
    session = signed_in(context, Right.VIEW)
    told_page = ask(pages, "GET", f"/referrals/{told_about['id']}/told", session)
    downloaded = ask(pages, "GET", f"/referrals/{told_about['id']}/told.csv", session)
    assert (told_page.status_code, downloaded.text) == (200, table)
    shown = text_of(told_page.text)
    for delivery in report["deliveries"]:
        for name in ("agency_name", "sentence", "source", "row", "view"):
            assert delivery[name] in shown
    secret = world.police["Authorization"].removeprefix("Bearer ")
    settings = {"BROKER_URL": address, "BROKER_KEY": secret}
    command = ("report", "referral", told_about["reference"])
    assert json.loads(run(*command, "--format", "json", **settings).out) == report
    assert run(*command, "--format", "csv", **settings).out.splitlines() == table.splitlines()
    assert "Who was told" in run(*command, **settings).out


def test_nothing_in_it_is_content_or_a_person(
    world: World, context: Context, told_about: dict[str, Any], pages: TestClient
) -> None:
    path = f"/v1/referrals/{told_about['id']}/told"
    texts = [
        world.client.get(path, headers=world.police).text,
        world.client.get(f"{path}.csv", headers=world.police).text,
        ask(
            pages, "GET", f"/referrals/{told_about['id']}/told", signed_in(context, Right.VIEW)
        ).text.partition("<main")[2],
    ]
    document = siblings()
    secrets = [child[name] for child in document["children"] for name in ("given_name", "id")]
    for text in texts:
        assert not [secret for secret in (*secrets, "A. Worker") if f">{secret}<" in text]
        assert document["concern"]["summary"] not in text
        assert "A. Worker" not in text


def test_a_recall_is_in_it(
    world: World, context: Context, told_about: dict[str, Any], pages: TestClient
) -> None:
    assert recall(world, told_about).status_code == 202
    session = signed_in(context, Right.VIEW)
    told_page = ask(pages, "GET", f"/referrals/{told_about['id']}/told", session)
    assert "Recalled Thursday 25 March 2027, 11:00:00" in text_of(told_page.text)
    assert ", recall" in told_page.text


def test_it_is_the_publishers_and_ops_alone(
    world: World, told_about: dict[str, Any], key: Callable[..., dict[str, str]]
) -> None:
    for ending in ("", ".csv"):
        path = f"/v1/referrals/{told_about['id']}/told{ending}"
        assert world.client.get(path, headers=key("ops", "ops")).status_code == 200
        other = key("west-mercia-police", "publish")
        assert world.client.get(path, headers=other).status_code == 404
        agency = world.headers("staffordshire-csc", "collect")
        assert world.client.get(path, headers=agency).status_code == 403
