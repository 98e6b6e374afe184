"""Older versions of the policy are read before a transaction, never inside one.

Reading takes a connection. With one in the pool, a step that held it and asked for another would
wait for itself.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from broker.admin import publish_policy
from broker.bootstrap import Pool, open_broker
from broker.channels.registry import CHANNELS
from broker.domain.codes import PauseReason, Stage
from broker.domain.delivery import Receipt
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.flow import route
from broker.flow.answer import settle
from broker.flow.clock_pause import pause_clock, resume_clock
from broker.flow.context import Context
from broker.flow.deadlines import watch
from broker.policy.published.policy import documents_from
from broker.settings import Settings
from broker.shipped import POLICY
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases import leg
from tests.acceptance.test_cases_handover import OFFICE, TEAM, urgent
from tests.acceptance.test_versions import send

LENGTHENED = "own_acknowledgement: 30 minutes"


def published(context: Context, number: int) -> None:
    """Publish the shipped policy with another number in it, and no row that was there before."""
    documents = documents_from(POLICY)
    policy = documents["policy.yaml"]
    assert LENGTHENED in policy
    policy = policy.replace(LENGTHENED, f"own_acknowledgement: {30 + number} minutes")
    policy = policy.replace("  - id: social-care\n", f"  - id: social-care-{number}\n")
    publish_policy.publish(
        context.ledger,
        {**documents, "policy.yaml": policy},
        now=context.clock(),
        channels=CHANNELS.forms,
    )
    context.policies._fresh_until = 0.0  # what was read a moment ago is read again


@pytest.fixture
def narrow(world: World, settings: Settings) -> Iterator[Any]:
    """Return how to open a broker with one connection that has read no policy."""
    opened = []

    def make() -> Context:
        pool = Pool(connections=1)
        broker = open_broker(settings, process="tests", clock=world.clock, pool=pool)
        opened.append(broker)
        return broker.__enter__()

    yield make
    for broker in opened:
        broker.__exit__(None, None, None)


def count(context: Context, query: str) -> Any:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(query).fetchall()


def test_alarms_and_steps_of_older_policies_need_no_second_connection(
    world: World, context: Context, narrow: Any
) -> None:
    """More versions than the cache keeps, each with a referral whose deadline has passed."""
    versions = 10
    for number in range(versions):
        world.at(f"2026-12-18 16:{30 + number}")
        published(context, number)
        world.routed(sample(1) | {"reference": f"OLD/{number}"})
    world.at("2026-12-18 16:50")
    published(context, versions)
    world.at("2026-12-21 12:51")
    watcher = narrow()
    watch(watcher)
    breaches = "select count(*) from event where kind = 'delivery.breached'"
    assert count(context, breaches) == [(versions,)]
    policies = "select count(distinct policy_version) from escalation"
    assert count(context, policies) == [(versions,)]
    assert count(context, "select min(step), max(step) from escalation") == [(1, 1)]
    world.at("2026-12-21 13:52")
    again = narrow()  # one that has never read any of them
    watch(again)
    assert count(context, "select min(step), max(step) from escalation") == [(2, 2)]


def test_a_part_of_an_older_policy_is_handed_over_with_one_connection(
    world: World, context: Context, narrow: Any
) -> None:
    """The rule of the part is not in the policy in force any more."""
    world.at("2026-12-16 16:55")
    published(context, 1)
    receipt = world.hand_in(urgent())
    world.drain()
    world.at("2026-12-16 16:56")
    published(context, 2)
    world.at("2026-12-16 17:00")
    watch(narrow())
    parts = {part["agency"]: part["state"] for part in world.status(receipt)["deliveries"]}
    assert (parts[OFFICE], parts[TEAM]) == ("handed_over", "available")


def test_an_alarm_fires_though_its_policy_cannot_be_read_any_more(
    world: World, context: Context, narrow: Any
) -> None:
    world.at("2026-12-18 16:50")
    published(context, 1)
    world.routed(sample(1))
    world.at("2026-12-18 16:51")
    published(context, 2)
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute(
            "update policy set documents = jsonb_set(documents, '{policy.yaml}', '\"nonsense\"')"
            " where version = (select policy_version from referral)"
        )
    world.at("2026-12-21 12:51")
    watch(narrow())
    breaches = "select count(*) from event where kind = 'delivery.breached'"
    assert count(context, breaches) == [(1,)]


def of_probation(status: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an agency that may pause its deadline to decide."""
    parts = status["deliveries"]
    return next(part for part in parts if part["agency"].startswith("probation"))


def test_paused_clocks_of_older_policies_resume_with_one_connection(
    world: World, context: Context, narrow: Any
) -> None:
    """By a return, by a correction and by a person, each under a policy that is not in memory."""
    parts = []
    for number in range(3):
        world.at(f"2026-12-14 10:0{number}")
        published(context, number)
        status = world.routed(sample(8) | {"reference": f"OLD/{number}"})
        parts.append(of_probation(status) | {"referral": status["id"]})
    world.at("2026-12-14 10:10")
    published(context, 3)
    for part in parts:
        pause_clock(
            context,
            DeliveryId(UUID(part["id"])),
            PauseReason.INFORMATION_REQUESTED,
            agency=None,
            actor="ops",
        )
    world.at("2026-12-14 11:10")
    first, second, third = parts
    answer = Receipt(DeliveryId(UUID(first["id"])), Stage.RETURNED, "Jo", reason="not_ours")
    (result,) = settle(narrow(), OrganisationCode(first["agency"]), [answer], actor="test")
    assert result.state == "returned"
    document = sample(8) | {"reference": "OLD/1"}
    document["concern"]["summary"] = "More is known."
    assert send(world, {"id": second["referral"]}, document).status_code == 202
    assert route.drain(narrow()) == 1
    resume_clock(narrow(), DeliveryId(UUID(third["id"])), agency=None, actor="ops")
    resumed = "select delivery::text, resumed_at = '2026-12-14T11:10Z' from pause"
    assert sorted(count(context, resumed)) == sorted((part["id"], True) for part in parts)
    assert count(context, "select count(*) from delivery where paused_at is not null") == [(0,)]


def test_a_return_for_the_wrong_area_goes_on_with_one_connection(
    world: World, context: Context, narrow: Any
) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(sample(17))
    first = leg(status, "stoke-csc")
    answer = Receipt(
        DeliveryId(UUID(first["id"])), Stage.RETURNED, "Jo", reason="wrong_area", area="E06000051"
    )
    (result,) = settle(narrow(), OrganisationCode("stoke-csc"), [answer], actor="test")
    assert result.state == "returned"
    replaced = "select agency, state from delivery where replaces is not null"
    assert count(context, replaced) == [("shropshire-csc", "available")]
