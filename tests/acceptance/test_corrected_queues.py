"""What lies in an agency's queue when a correction takes the agency off the referral."""

import copy
import json
from typing import Any

import psycopg
import pytest
from redis import Redis

from broker.devstack.engines import Engines
from broker.flow.context import Context
from tests.acceptance.conftest import World
from tests.acceptance.test_cases_places import CHILD, STOKE, referral
from tests.acceptance.test_versions import correct

SHROPSHIRE = "E06000051"
AGENCY = "stoke-csc"


def queued(engines: Engines) -> list[str]:
    """Return the deliveries whose copies lie in the agency's queue, oldest first."""
    with Redis.from_url(engines.exchange_url) as valkey:
        elements = valkey.lrange(f"agency.{AGENCY}", 0, -1)
    return [json.loads(element)["properties"]["message_id"] for element in reversed(elements)]


def written(context: Context) -> dict[tuple[str, str, int], tuple[str, str]]:
    """Return the agency's deliveries: by row, kind and version their id and state."""
    with psycopg.connect(context.settings.database_url) as connection:
        rows = connection.execute(
            "select policy_row, kind, version, id::text, state from delivery where agency = %s",
            (AGENCY,),
        ).fetchall()
    return {(row, kind, version): (id_, state) for row, kind, version, id_, state in rows}


def handed_in(world: World, *children: dict[str, Any]) -> dict[str, Any]:
    world.at("2026-12-16 10:00")
    receipt = world.hand_in(copy.deepcopy(referral(*children)))
    world.drain()
    return receipt


def test_a_council_that_is_no_longer_addressed_finds_the_recall_alone(
    world: World, context: Context, engines: Engines
) -> None:
    receipt = handed_in(world, CHILD | {"area": STOKE})
    (first,) = queued(engines)
    # A second version is waiting behind the first when the third takes the council off.
    correct(world, receipt, referral(CHILD | {"area": STOKE, "given_name": "Tessa"}))
    assert len(queued(engines)) == 2
    correct(world, receipt, referral(CHILD | {"area": SHROPSHIRE}))
    parts = written(context)
    recall, _ = parts["social-care", "recall", 3]
    assert queued(engines) == [recall]
    assert parts["social-care", "referral", 1] == (first, "recalled")
    assert parts["social-care", "correction", 2][1] == "recalled"


def test_a_council_that_keeps_another_part_keeps_its_copy(
    world: World, context: Context, engines: Engines
) -> None:
    """It leads for one child and had placed the other, which was a mistake."""
    mine = CHILD | {"area": STOKE}
    placed = CHILD | {"id": "d", "given_name": "Orla", "area": SHROPSHIRE}
    receipt = handed_in(world, mine, placed | {"placing_authority": STOKE})
    parts = written(context)
    lead, _ = parts["social-care", "referral", 1]
    placing, _ = parts["placing-authority", "referral", 1]
    assert set(queued(engines)) == {lead, placing}
    correct(world, receipt, referral(mine, placed))
    parts = written(context)
    recall, _ = parts["placing-authority", "recall", 2]
    assert queued(engines) == [lead, recall]
    assert parts["placing-authority", "referral", 1] == (placing, "recalled")
    assert parts["social-care", "referral", 1][1] not in ("recalled", "returned")


@pytest.mark.parametrize("stage", ["collected", "acknowledged"])
def test_what_the_council_has_already_is_recalled_as_ever(
    world: World, context: Context, engines: Engines, stage: str
) -> None:
    receipt = handed_in(world, CHILD | {"area": STOKE})
    (first,) = queued(engines)
    with Redis.from_url(engines.exchange_url) as valkey:
        valkey.delete(f"agency.{AGENCY}")  # its software has taken it
    assert world.answer(AGENCY, delivery=first, stage=stage, by="D. Uty")["result"] == "recorded"
    correct(world, receipt, referral(CHILD | {"area": SHROPSHIRE}))
    parts = written(context)
    recall, state = parts["social-care", "recall", 2]
    assert queued(engines) == [recall]
    assert state == "leased"
    headers = world.headers(AGENCY, "collect")
    shown = world.client.get(f"/v1/deliveries/{recall}", headers=headers).json()
    assert (shown["recall_reason"], shown["recalls"]) == ("no_longer_addressed", [first])
    assert shown["content"] == {}
