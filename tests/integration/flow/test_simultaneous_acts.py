"""An act of a person is judged on what stands when it is written, whatever others do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Thread
from typing import Any
from uuid import UUID

import orjson
import pytest

from broker.admin import hold_actions, operator_actions
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.referral import Withdrawal
from broker.errors import Conflict, Invalid
from broker.flow import answer
from broker.flow import correct as corrections
from broker.flow.context import Context
from broker.policy.published.policy import Policy
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases_acts import returned, with_embargo
from tests.acceptance.test_cases_redirect import FIRST, SECOND, ops, told_not_to
from tests.conftest import eventually
from tests.rows import rows

__all__ = ["ops"]

POLICE = OrganisationCode("staffordshire-police")
LATER = "2026-12-18T12:00:00+00:00"
SECONDS = 1.0
"""How long an act waits for another that may be waiting for it."""


class Interruption:
    """Lets somebody else act once, in the middle of an act: after it has read, before it writes."""

    def __init__(self, context: Context, act: Callable[[], Any]) -> None:
        self._new_id, self._clock = context.new_id, context.clock
        self._other = Thread(target=act)
        self._is_begun = False

    def new_id(self) -> UUID:
        """Return a new id; the first time the other one acts before."""
        self.begin()
        return self._new_id()

    def begin(self) -> None:
        """Have the other one act, and wait for them unless they wait for this act."""
        if not self._is_begun:
            self._is_begun = True
            self._other.start()
            self._other.join(SECONDS)

    def end(self) -> None:
        """Wait for the other one."""
        self._other.join(30)
        assert not self._other.is_alive()


def correction(context: Context, referral: str, document: dict[str, Any]) -> Callable[[], Any]:
    """Return what corrects a referral as its force's system does."""
    return lambda: corrections.correct(
        context,
        POLICE,
        ReferralId(UUID(referral)),
        orjson.dumps(document),
        idempotency_key=None,
        actor="key:test",
    )


def kinds(context: Context, referral: str, *wanted: str) -> list[str]:
    """Return the kinds of some events of a referral, in the order in which they were written."""
    events = "select kind from event where referral = %s and kind = any(%s) order by id"
    return [kind for (kind,) in rows(context, events, UUID(referral), list(wanted))]


@pytest.mark.two_actors
def test_a_redirect_is_judged_on_the_newest_version(
    context: Context,
    world: World,
    ops: dict[str, str],
) -> None:
    """Else the school would get what the correction, which came first, keeps from it."""
    delivery = returned(world, sample(5), FIRST)
    corrects = correction(context, delivery["referral"], told_not_to("Orchard Drift Primary"))
    meanwhile = Interruption(context, corrects)
    answer.redirect(
        replace(context, new_id=meanwhile.new_id),
        DeliveryId(UUID(delivery["delivery"])),
        operator_actions.ActionContext(context.new_id(), "person:Jo", "Moved", context.clock()),
        area=None,
        agency=OrganisationCode(SECOND),
    )
    meanwhile.end()
    order = ["delivery.sent_on", "referral.corrected"]
    assert kinds(context, delivery["referral"], *order) == order


def test_a_hold_is_released_as_it_is_after_a_correction(context: Context, world: World) -> None:
    """Else it would have the deadlines and the reasons of the version before."""
    world.at("2026-12-14 10:00")
    released = []
    for number in ("1", "2"):
        document = sample(7) | {"reference": f"SP-2026-{number}"}
        status = world.routed(document)
        (held,) = [item for item in status["deliveries"] if item["state"] == "held"]
        corrects = correction(context, status["id"], with_embargo(document, LATER))
        released.append(held["id"])
        policies = _Policies(context, lambda corrects=corrects: (corrects(), world.drain()))
        if number == "1":
            policies.latest()
        hold_actions.release_hold(
            replace(context, policies=policies),
            DeliveryId(UUID(held["id"])),
            by="person:Jo",
            reason="The arrest was made.",
        )
    first, second = rows(context, RELEASED, released)
    assert first == second
    assert first[0] == "available"


class _Policies:
    """The policies of a context; before the first is read, somebody else acts."""

    def __init__(self, context: Context, act: Callable[[], Any]) -> None:
        self._policies, self._act = context.policies, act

    def latest(self) -> Policy:
        """Return the policy in force."""
        act, self._act = self._act, lambda: None
        act()
        return self._policies.latest()


RELEASED = """
select state, version, clock_start, acknowledge_by, decide_by, reason.explanation
from delivery
join delivery_reason reason on reason.delivery = delivery.id
join unnest(%s::text[]) with ordinality as wanted (id, place) on wanted.id::uuid = delivery.id
order by place
"""


def test_areas_are_for_the_people_of_the_newest_version(context: Context, world: World) -> None:
    """Else an area would be kept for whoever is called so in a later version."""
    receipt = world.hand_in(sample(10))
    world.drain()
    (child,) = sample(10)["children"]
    renamed = sample(10) | {"children": [child | {"id": "somebody-else"}]}
    meanwhile = Interruption(context, correction(context, receipt["id"], renamed))
    with pytest.raises(Invalid, match="not known"):
        answer.give_areas(
            replace(context, new_id=meanwhile.new_id),
            ReferralId(UUID(receipt["id"])),
            {child["id"]: "E06000021"},
            actor="key:ops",
        )
    meanwhile.end()
    wanted = ["referral.areas_given", "referral.corrected"]
    assert kinds(context, receipt["id"], *wanted) == ["referral.corrected"]


@pytest.mark.two_actors
def test_content_is_not_shown_once_a_recall_has_begun(context: Context, world: World) -> None:
    """The person would see what the force had taken back, and the history would not say so."""
    referral = ReferralId(UUID(world.routed(sample(2))["id"]))
    recall = Withdrawal(referral, POLICE, "wrong_person", "DS Farlow", context.clock(), "key:test")
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as other:
        with context.ledger.corrections.recall(recall):
            revealed = other.submit(
                operator_actions.reveal, context, referral, by="person:Jo", reason="They asked."
            )
            eventually(lambda: rows(context, waits) != [(0,)] or revealed.done())
        with pytest.raises(Conflict):
            revealed.result(30)
    seen = ["referral.content_revealed", "referral.recalled"]
    assert kinds(context, str(referral), *seen) == ["referral.recalled"]
