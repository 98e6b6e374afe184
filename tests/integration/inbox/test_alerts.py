"""An agency's people stop the alerts to their own organisation, once, while there are any."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock
from tests.integration.inbox.conftest import OFFICE, Person
from tests.integration.inbox.test_what_is_told import item_of
from tests.rows import rows

BUTTON = "I am dealing with this"


@pytest.fixture
def item(context: Context, world: World, clock: FixedClock) -> str:
    """A delivery whose first deadline has just passed, and that is escalated."""
    world.routed(sample(12))
    item = item_of(context, OFFICE)
    ((due_at,),) = rows(context, "select acknowledge_by from delivery where id = %s", item)
    assert isinstance(due_at, datetime)
    clock.now = due_at + timedelta(minutes=1)
    world.watch()
    return item


def test_alerts_to_the_own_organisation_are_stopped_once(
    context: Context, item: str, clock: FixedClock, enter: Callable[..., Person]
) -> None:
    jo = enter(OFFICE, "Jo Example", "answer")
    assert BUTTON in jo.get(f"/items/{item}")
    ((escalation,),) = rows(
        context,
        "select id::text from escalation where delivery = %s and milestone = 'acknowledge'",
        item,
    )
    jo.post(f"/items/{item}/deal-with", escalation=escalation)
    query = "select state, own_acknowledged_by, own_until from escalation where id = %s"
    ((state, owner, until),) = rows(context, query, escalation)
    assert (state, owner) == ("open", "Jo Example")
    clock.now = until + timedelta(minutes=1)
    later = enter(OFFICE, "Kim Example", "answer").get(f"/items/{item}")
    assert escalation not in later


def test_no_alert_is_stopped_while_the_police_deal_with_it(
    context: Context, world: World, item: str, enter: Callable[..., Person]
) -> None:
    for (escalation,) in rows(context, "select id::text from escalation"):
        world.client.post(
            f"/v1/escalations/{escalation}/acknowledge",
            json={"by": "Sam Sergeant"},
            headers=world.police,
        ).raise_for_status()
    assert BUTTON not in enter(OFFICE, "Jo Example", "answer").get(f"/items/{item}")
