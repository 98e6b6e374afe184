"""What policy lets people read beside the referral: what they can do, and who has it too."""

from collections.abc import Callable

import pytest

from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.flow.context import Context
from broker.policy.published.policy import documents_from
from tests.acceptance.conftest import World, sample
from tests.conftest import POLICIES
from tests.integration.inbox.conftest import Person
from tests.rows import rows

SCHOOL, TOO = "school-900001", "Children&#39;s social care has this too."


@pytest.fixture
def head(enter: Callable[..., Person]) -> Person:
    """The safeguarding lead of a school."""
    return enter(SCHOOL, "Lee Example", "answer", "administer")


def item_of(context: Context, agency: str) -> str:
    ((item,),) = rows(
        context,
        "select id from delivery where agency = %s and kind = 'referral' and state <> 'held'",
        agency,
    )
    return str(item)


def in_force(context: Context, section: str) -> None:
    """Publish the shipped policy with another section about the inbox."""
    documents = documents_from(POLICIES)
    before, _, rest = documents["policy.yaml"].partition("\ninbox:\n")
    _, _, after = rest.partition("\n\n")
    changed = {**documents, "policy.yaml": f"{before}\n{section}\n\n{after}"}
    publish(context.ledger, changed, now=context.clock(), channels=CHANNELS.forms)
    context.policies._fresh_until = 0.0


def lead(context: Context) -> str:
    """Return the council that leads on what the school has."""
    ((agency,),) = rows(
        context,
        "select agency from delivery where role = 'lead' and agency like '%%-csc'"
        " and referral = (select referral from delivery where agency = %s)",
        SCHOOL,
    )
    return str(agency)


def test_a_school_reads_that_social_care_has_it_once_it_has(
    context: Context, world: World, enter: Callable[..., Person], head: Person
) -> None:
    world.routed(sample(5))
    item, council = item_of(context, SCHOOL), lead(context)
    assert TOO not in head.get(f"/items/{item}")
    enter(council, "Jo Example", "answer").get(f"/items/{item_of(context, council)}")
    shown = head.get(f"/items/{item}")
    assert TOO in shown
    ((name,),) = rows(context, "select name from organisation where code = %s", council)
    assert name not in shown


@pytest.mark.parametrize("state", ["held", "returned", "undeliverable", "recalled"])
def test_who_does_not_have_it_is_not_named(
    context: Context, world: World, head: Person, state: str
) -> None:
    world.routed(sample(5))
    now = context.clock()
    rows(
        context,
        "update delivery set state = %s, lease_until = null, collected_at = %s, returned_at = %s,"
        " undeliverable_at = %s where agency = %s returning id",
        *(state, now, now, now, lead(context)),
    )
    assert TOO not in head.get(f"/items/{item_of(context, SCHOOL)}")


def test_nobody_reads_who_has_it_where_policy_does_not_say_so(
    context: Context, world: World, enter: Callable[..., Person], head: Person
) -> None:
    world.routed(sample(5))
    council = lead(context)
    jo = enter(council, "Jo Example", "answer")
    head.get(f"/items/{item_of(context, SCHOOL)}")
    shown = jo.get(f"/items/{item_of(context, council)}")
    assert "this too" not in shown
    in_force(context, "inbox:\n  remind_before: 30 minutes")
    assert "this too" not in head.get(f"/items/{item_of(context, SCHOOL)}")


def test_what_people_can_do_are_the_policys_own_words_for_their_kind(
    context: Context, world: World, enter: Callable[..., Person], head: Person
) -> None:
    world.routed(sample(5))
    item, council = item_of(context, SCHOOL), lead(context)
    in_force(context, "inbox:\n  remind_before: 30 minutes")
    assert "What to do now" not in head.get(f"/items/{item}")
    in_force(context, "inbox:\n  can_do:\n    school: ['Listen <b>well</b>.', Call the officer.]")
    shown = head.get(f"/items/{item}")
    assert "What to do now" in shown
    assert "<li>Listen &lt;b&gt;well&lt;/b&gt;.</li><li>Call the officer.</li>" in shown
    jo = enter(council, "Jo Example", "answer")
    assert "What you can do now" not in jo.get(f"/items/{item_of(context, council)}")


def test_nothing_of_it_is_told_of_what_was_taken_back(
    context: Context, world: World, enter: Callable[..., Person], head: Person
) -> None:
    world.routed(sample(5))
    in_force(
        context, "inbox:\n  can_do:\n    school: [Listen.]\n  may_know: {school: [social-care]}"
    )
    item, council = item_of(context, SCHOOL), lead(context)
    enter(council, "Jo Example", "answer").get(f"/items/{item_of(context, council)}")
    assert TOO in head.get(f"/items/{item}")
    ((referral,),) = rows(context, "select referral from delivery where id = %s", item)
    recall = {"reason": "sent_in_error", "by": "DC Example"}
    path = f"/v1/referrals/{referral}/recall"
    assert world.client.post(path, json=recall, headers=world.police).status_code < 300
    world.drain()
    shown = head.get(f"/items/{item}")
    assert TOO not in shown
    assert "Listen." not in shown
