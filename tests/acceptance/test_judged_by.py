"""A referral is judged by the versions of organisations that counted then, and stays so."""

from typing import Any

import psycopg
import pytest

from broker.admin.directory_changes import DirectoryChanges
from broker.channels.registry import CHANNELS
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.flow.policy_cache import PolicyCache
from broker.ledger.directory import ChangeContext
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock
from tests.directory_rows import entries

STOKE = OrganisationCode("stoke-csc")


@pytest.fixture
def rename(context: Context, clock: FixedClock) -> Any:
    """Return how to give Stoke another name."""
    changes = DirectoryChanges(context.ledger, context.policies)

    def change(name: str, expected: int) -> str:
        by = ChangeContext("person:Jo Bloggs", "It has another name.", clock())
        document = {**entries()[STOKE], "name": name}
        return changes.put(STOKE, document, by, expected=expected).policy_version

    return change


def written(context: Context, query: str) -> list[Any]:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_referral_is_judged_and_shown_by_the_versions_of_then(
    world: World, context: Context, rename: Any
) -> None:
    world.at("2026-12-18 16:00")
    then = rename("Stoke (then)", 0)

    status = world.routed(sample(3))
    rename("Stoke (now)", 1)

    assert (status["policy_version"], status["directory_version"]) == (then, then)
    assert written(context, "select distinct policy_version from delivery") == [(then,)]
    fresh = PolicyCache(context.ledger, CHANNELS.forms)
    assert fresh.latest().directory.organisation_name(STOKE) == "Stoke (now)"
    assert fresh.version(then).directory.organisation_name(STOKE) == "Stoke (then)"
    entry = fresh.version(then).directory.organisation(STOKE)
    assert entry is not None
    assert entry.version == 1
    assert [taken["agency"] for taken in world.collect("shropshire-csc")] == ["shropshire-csc"]
