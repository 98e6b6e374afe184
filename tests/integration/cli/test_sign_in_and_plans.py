"""``broker people … --subject`` and ``broker dead plan --to`` on a real ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import psycopg
import pytest

from broker.domain.codes import Right
from broker.domain.ids import ReferralId
from broker.flow.context import Context
from broker.ledger.ledger import Ledger
from broker.settings import Settings
from tests.acceptance.conftest import World, sample
from tests.integration.gateway.conftest import listening
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

ISSUER = "https://login.example.org"
BY = ("--by", "Jo Example")


def test_a_subject_is_known_under_its_issuer(run: Run, dsn: str) -> None:
    command = ("people", "link", "Jo Example", "--subject", "abc")
    for more in ((), ("--rights", "act"), ("--issuer", ISSUER)):
        assert run(*command, *more, BROKER_DATABASE_URL=dsn).code == 2
    ran = run(*command, "--rights", "act", BROKER_DATABASE_URL=dsn, BROKER_OIDC_ISSUER=ISSUER)
    assert ran.code == 0, ran.err
    with Ledger.open(dsn, application_name="tests") as ledger:
        (person,) = ledger.people.people(subject=f"{ISSUER} abc")
    assert (person.name, person.rights) == ("Jo Example", {Right.VIEW, Right.ACT})


@pytest.fixture
def environment(
    context: Context, settings: Settings, key: Callable[..., dict[str, str]]
) -> Iterator[dict[str, str]]:
    """The address of a gateway and a key for ops; and the ledger, for the test itself."""
    secret = key("ops", "ops")["Authorization"].removeprefix("Bearer ")
    with listening(context) as url:
        yield {
            "BROKER_URL": url,
            "BROKER_KEY": secret,
            "BROKER_DATABASE_URL": settings.database_url,
        }


def test_many_are_planned_and_started_by_name(
    run: Run, world: World, context: Context, environment: dict[str, str]
) -> None:
    status = world.routed(sample(2))
    (delivery,) = status["deliveries"]
    answer = {"stage": "returned", "by": "A. Worker", "reason": "not_ours"}
    world.answer(delivery["agency"], delivery=delivery["id"], **answer)
    plan = ("dead", "plan", "--cause", "not_ours", "--to")
    wrong = run(*plan, "nobody", *BY, **environment)
    assert wrong.code != 0
    assert "no such agency" in wrong.err
    command = (*plan, "shropshire-csc", *BY, "--json", "--per-minute")
    assert run(*command, "6001", **environment).code != 0
    planned = json.loads(run(*command, "5", **environment).out)
    assert (planned["kind"], planned["receiver"], planned["planned"]) == (
        *("send_on", "shropshire-csc", 1),
    )
    assert planned["per_minute"] == 5
    assert [line["cause"] for line in planned["lines"]] == ["not_ours"]
    start = ("dead", "replay", planned["id"], "--reason", "their team closed")
    assert run(*start, "--count", "2", **environment).code == 2
    assert run(*start, "--count", "1", "--by", "Sam Example", **environment).code == 0
    with psycopg.connect(environment["BROKER_DATABASE_URL"]) as connection:
        replays = connection.execute("select state, started_by, reason from replay").fetchall()
        ((key,),) = connection.execute("select id from credential where 'ops' = any(scopes)")
    assert replays == [("running", f"key:{key} person:Sam Example", "their team closed")]
    assert not any(
        event.reason for event in context.ledger.queries.timeline(ReferralId(status["id"]))
    )
