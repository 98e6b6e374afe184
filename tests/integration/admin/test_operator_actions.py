"""What people do is guarded, needs a reason, and stands in the history with their name."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from broker.admin import escalation_actions, hold_actions, operator_actions, sign_in
from broker.domain.codes import Right
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.errors import Conflict, Denied, Invalid, NotFound
from broker.flow import bulk, route
from broker.flow.collect import collect
from broker.flow.context import Context
from broker.flow.sweep import Sweeper
from tests.acceptance.conftest import World, sample, world  # noqa: F401
from tests.acceptance.test_versions import changed, correct, siblings
from tests.conftest import FixedClock

JO = "person:Jo Example"
STAFFORDSHIRE = OrganisationCode("staffordshire-csc")
REFUSED = (
    "update delivery set state = 'undeliverable', refused_because = 'too-large',"
    " undeliverable_at = %s, next_attempt_at = null, lease_until = null"
    " where state <> 'undeliverable'"
)


@pytest.fixture
def dead(world: World, context: Context, settings: Any) -> Callable[[int], list[DeliveryId]]:  # noqa: F811
    """Make so many deliveries that cannot be made."""

    def make(count: int) -> list[DeliveryId]:
        ids = []
        for number in range(count):
            document = sample(1) | {"reference": f"OCC/2027/{number}"}
            status = world.routed(document)
            ids += [DeliveryId(delivery["id"]) for delivery in status["deliveries"]]
        with psycopg.connect(settings.database_url) as connection:
            connection.execute(REFUSED, [context.clock()])
        return ids

    return make


def told(context: Context, delivery: Any) -> list[tuple[str, str]]:
    (referral,) = context.ledger.monitoring.find(str(delivery))
    return [(event.kind, event.actor) for event in context.ledger.queries.timeline(referral)]


def reasons(context: Context, referral: ReferralId) -> list[Any]:
    """Return what people did about a referral and why, as its history tells it."""
    return [event for event in context.ledger.queries.timeline(referral) if event.reason]


def test_an_undeliverable_one_is_replayed_once(context: Context, dead: Any) -> None:
    (id_, *_) = dead(1)
    operator_actions.replay(context, id_, by=JO, reason="their certificate was renewed")
    assert ("delivery.replayed", JO) in told(context, id_)
    (referral,) = context.ledger.monitoring.find(str(id_))
    (kept,) = reasons(context, referral)
    assert (kept.actor, kept.reason) == (JO, "their certificate was renewed")
    with pytest.raises(Conflict):
        operator_actions.replay(context, id_, by=JO, reason="again")


def test_an_act_without_a_reason_changes_nothing(context: Context, dead: Any) -> None:
    (id_, *_) = dead(1)
    for reason in ("", "  \n", "x" * 501):
        with pytest.raises(Invalid):
            operator_actions.replay(context, id_, by=JO, reason=reason)
    assert ("delivery.replayed", JO) not in told(context, id_)


def test_a_paused_agency_gets_nothing_until_it_is_resumed(
    context: Context,
    world: World,  # noqa: F811
) -> None:
    world.routed(sample(2))
    (agency,) = context.ledger.monitoring.open_work(now=context.clock())
    operator_actions.suspend_agency(context, agency, by=JO, reason="their system is being rebuilt")
    assert context.ledger.queries.waiting([agency]) == set()
    assert collect(context, agency, limit=10) == []
    with pytest.raises(Conflict):
        operator_actions.suspend_agency(context, agency, by=JO, reason="twice")
    assert context.ledger.monitoring.organisation_status()[agency].stopped_by == JO
    operator_actions.resume_agency(context, agency, by=JO, reason="it is back")
    assert len(collect(context, agency, limit=10)) == 1
    with pytest.raises(Conflict):
        operator_actions.resume_agency(context, agency, by=JO, reason="twice")
    assert {
        (action.kind, action.reason)
        for action in context.ledger.operator_actions.acts_of_agency(agency, limit=9)
    } == {
        ("organisation.delivery_resumed", "it is back"),
        ("organisation.delivery_paused", "their system is being rebuilt"),
    }


def test_content_is_shown_only_after_it_was_written_down(
    context: Context,
    world: World,  # noqa: F811
) -> None:
    id_ = ReferralId(world.routed(sample(2))["id"])
    document = operator_actions.reveal(context, id_, by=JO, reason="the agency rang")
    assert document["reference"] == sample(2)["reference"]
    assert ("referral.content_revealed", JO) in [
        (event.kind, event.actor) for event in context.ledger.queries.timeline(id_)
    ]
    with pytest.raises(NotFound):
        operator_actions.reveal(context, ReferralId(context.new_id()), by=JO, reason="a guess")


def test_a_person_keeps_a_held_delivery_or_releases_it_with_a_reason(
    context: Context,
    world: World,  # noqa: F811
) -> None:
    world.at("2026-12-14 10:00")
    status = world.routed(sample(7))
    (held,) = [item for item in status["deliveries"] if item["state"] == "held"]
    id_ = DeliveryId(UUID(held["id"]))
    with pytest.raises(Invalid):
        hold_actions.release_hold(context, id_, by=JO, reason="")
    hold_actions.keep_hold(context, id_, by=JO, reason="the arrest is not made")
    assert world.collect(held["agency"]) == []
    hold_actions.release_hold(context, id_, by=JO, reason="the arrest was made")
    (offered,) = world.collect(held["agency"])
    assert offered["delivery"] == held["id"]
    assert world.local(offered["deadlines"]["acknowledge_by"]) == "2026-12-15 08:30"
    for act in (hold_actions.release_hold, hold_actions.keep_hold):
        with pytest.raises(Conflict):
            act(context, id_, by=JO, reason="again")
    acts = [
        (event.kind, event.reason) for event in reasons(context, ReferralId(UUID(status["id"])))
    ]
    assert acts == [
        ("delivery.hold_kept", "the arrest is not made"),
        ("delivery.released", "the arrest was made"),
    ]


def test_what_was_recalled_is_shown_only_with_its_own_right_and_a_reason(
    context: Context,
    world: World,  # noqa: F811
) -> None:
    id_ = ReferralId(world.routed(sample(2))["id"])
    recall = {"reason": "wrong_person", "by": "DS Farlow"}
    path = f"/v1/referrals/{id_}/recall"
    assert world.client.post(path, json=recall, headers=world.police).status_code == 202
    with pytest.raises(Conflict):
        operator_actions.reveal(context, id_, by=JO, reason="they rang")
    with pytest.raises(Invalid):
        operator_actions.reveal(context, id_, by=JO, reason=".", may_see_recalled=True)
    assert ("referral.content_revealed", JO) not in told(context, id_)
    operator_actions.reveal(context, id_, by=JO, reason="they rang", may_see_recalled=True)
    seen = [(event.kind, event.actor) for event in context.ledger.queries.timeline(id_)]
    assert ("referral.content_revealed", JO) in seen


def test_the_content_that_is_shown_is_that_of_the_latest_version(
    context: Context,
    world: World,  # noqa: F811
) -> None:
    world.at("2027-03-25 10:00")
    status = world.routed(siblings())
    for level in ("very_high", "immediate"):
        correct(world, status, changed(siblings(), level=level))
        document = operator_actions.reveal(
            context, ReferralId(UUID(status["id"])), by=JO, reason="they rang"
        )
        assert document["grade"]["level"] == level


def test_a_cause_is_corrected_and_the_first_one_kept(
    context: Context,
    clock: FixedClock,
    world: World,  # noqa: F811
) -> None:
    status = world.routed(sample(2))
    delivery = DeliveryId(status["deliveries"][0]["id"])
    clock.advance(days=9)
    since = clock.now - timedelta(days=20)
    breach = context.ledger.monitoring.breaches(now=clock.now, since=since, limit=9).latest[-1]
    assert (breach.cause, breach.corrected) == ("not_collected", False)
    operator_actions.correct_cause(
        context, delivery, milestone=breach.milestone, cause="broker", by=JO, reason="our fault"
    )
    breach = context.ledger.monitoring.breaches(now=clock.now, since=since, limit=9).latest[-1]
    assert (breach.cause, breach.corrected) == ("broker", True)
    operator_actions.correct_cause(
        context, delivery, milestone=breach.milestone, cause="channel", by=JO, reason="their line"
    )
    events = context.ledger.queries.timeline(ReferralId(UUID(status["id"])))
    assert [event.data for event in events if event.kind == "delivery.cause_corrected"] == [
        {"milestone": breach.milestone, "cause": cause, "found": "not_collected"}
        for cause in ("broker", "channel")
    ]


@pytest.mark.parametrize("milestone", ["decide", "attend", "Jane Example's aunt rang", ""])
def test_only_a_deadline_that_was_missed_has_a_cause_to_correct(
    context: Context,
    clock: FixedClock,
    world: World,  # noqa: F811
    milestone: str,
) -> None:
    status = world.routed(sample(2))
    (one,) = status["deliveries"]
    told_ = {"cause": "broker", "by": JO, "reason": "our fault"}
    with pytest.raises(Invalid, match="has not missed this deadline"):
        operator_actions.correct_cause(
            context, DeliveryId(one["id"]), milestone="acknowledge", **told_
        )
    clock.now = datetime.fromisoformat(one["deadlines"]["acknowledge_by"]) + timedelta(seconds=1)
    with pytest.raises(Invalid, match="has not missed this deadline"):
        operator_actions.correct_cause(context, DeliveryId(one["id"]), milestone=milestone, **told_)
    with pytest.raises(Invalid, match="has not missed this deadline"):
        operator_actions.correct_cause(
            context, DeliveryId(context.new_id()), milestone="acknowledge", **told_
        )
    assert ("delivery.cause_corrected", JO) not in told(context, one["id"])


def test_an_escalation_is_acknowledged_once(
    context: Context,
    settings: Any,
    world: World,  # noqa: F811
) -> None:
    status = world.routed(sample(2))
    delivery = status["deliveries"][0]
    with psycopg.connect(settings.database_url) as connection:
        (version,) = connection.execute("select version from policy").fetchone() or ("",)
        id_ = context.new_id()
        connection.execute(
            "insert into escalation (id, ladder, policy_version, milestone, referral, delivery,"
            " organisation, due_at, began_at, next_step_at)"
            " values (%s, 'usual', %s, 'acknowledge', %s, %s, %s, %s, %s, %s)",
            [
                id_,
                version,
                status["id"],
                delivery["id"],
                delivery["agency"],
                *[context.clock()] * 3,
            ],
        )
    (climbing,) = context.ledger.alarms.escalations(limit=9)
    assert (climbing.id, climbing.state) == (id_, "open")
    escalation_actions.take_on(context, [id_], by=JO, note="I rang the team leader")
    (kept,) = reasons(context, ReferralId(UUID(status["id"])))
    assert (kept.kind, kept.actor) == ("delivery.escalation_acknowledged", JO)
    assert kept.reason == "I rang the team leader"
    (climbing,) = context.ledger.alarms.escalations(limit=9)
    assert (climbing.state, climbing.acknowledged_by, climbing.next_step_at) == (
        "acknowledged",
        JO,
        None,
    )
    with pytest.raises(Conflict):
        escalation_actions.take_on(context, [id_], by=JO, note="twice")


def test_a_replay_goes_at_its_pace_and_takes_each_one_once(
    context: Context, clock: FixedClock, dead: Any, settings: Any
) -> None:
    ids = dead(5)
    id_ = operator_actions.plan_replay(
        context, agency=None, cause="too-large", per_minute=60, by=JO
    )
    plan = operator_actions.planned(context, id_)
    assert plan.planned == len(ids) == sum(line.count for line in _lines(context, id_))
    assert bulk.advance_replays(context) == 0
    with pytest.raises(Invalid):
        operator_actions.start_replay(context, id_, reason="", typed="")
    operator_actions.start_replay(context, id_, reason="the limit was raised", typed="")
    with pytest.raises(Conflict):
        operator_actions.start_replay(context, id_, reason="twice", typed="")
    clock.advance(seconds=2)
    assert bulk.advance_replays(context) == 2
    operator_actions.turn_replay(context, id_, "pause", by=JO)
    clock.advance(seconds=30)
    assert bulk.advance_replays(context) == 0
    operator_actions.turn_replay(context, id_, "go_on", by="person:Sam Example")
    clock.advance(seconds=60)
    with psycopg.connect(settings.database_url) as connection:
        connection.execute(REFUSED, [clock.now])
    assert bulk.advance_replays(context) == len(ids) - 2
    clock.advance(seconds=60)
    assert bulk.advance_replays(context) == 0
    found = operator_actions.planned(context, id_)
    assert (found.state, found.done) == ("done", len(ids))
    assert [(turn["to"], turn["by"]) for turn in found.turns] == [
        ("running", JO),
        ("paused", JO),
        ("running", "person:Sam Example"),
    ]
    assert found.started_by == JO
    assert _lines(context, id_) == []
    other = operator_actions.plan_replay(context, agency=None, cause=None, per_minute=60, by=JO)
    assert sum(line.replayed_before for line in _lines(context, other)) == 2


def _lines(context: Context, id_: Any) -> Any:
    return context.ledger.bulk_actions.replay_plan(id_, now=context.clock())


def test_whoever_starts_a_job_may_choose_its_pace(
    context: Context, clock: FixedClock, dead: Any
) -> None:
    dead(3)
    id_ = operator_actions.plan_replay(context, agency=None, cause=None, per_minute=6000, by=JO)
    for pace in (0, 6001):
        with pytest.raises(Invalid):
            operator_actions.start_replay(context, id_, reason="a try", typed="", per_minute=pace)
    operator_actions.start_replay(context, id_, reason="a try", typed="", per_minute=60)
    assert operator_actions.planned(context, id_).per_minute == 60
    clock.advance(seconds=2)
    assert bulk.advance_replays(context) == 2


def test_the_filter_is_that_of_the_plan(context: Context, clock: FixedClock, dead: Any) -> None:
    dead(2)
    id_ = operator_actions.plan_replay(
        context, agency=None, cause="another", per_minute=6000, by=JO
    )
    operator_actions.start_replay(context, id_, reason="a try", typed="")
    clock.advance(seconds=5)
    Sweeper(context, "test").sweep()
    assert operator_actions.planned(context, id_).done == 0
    assert context.ledger.monitoring.dead_letters()[0].count >= 2


def test_many_need_the_number_typed(context: Context, settings: Any, dead: Any) -> None:
    dead(1)
    id_ = operator_actions.plan_replay(context, agency=None, cause=None, per_minute=60, by=JO)
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("update replay set planned = 51")
    with pytest.raises(Invalid):
        operator_actions.start_replay(context, id_, reason="all of them", typed="50")
    operator_actions.start_replay(context, id_, reason="all of them", typed="51")


def test_a_link_is_good_once_and_for_a_while(context: Context, clock: FixedClock) -> None:
    ledger = context.ledger
    sign_in.add(ledger, "Jo Example", {Right.ACT}, now=clock.now, new_id=context.new_id)
    with pytest.raises(Denied):
        sign_in.link(ledger, "Nobody", now=clock.now)
    link = sign_in.link(ledger, "Jo Example", now=clock.now)
    session = sign_in.sign_in(ledger, link, now=clock.now)
    with pytest.raises(Denied):
        sign_in.sign_in(ledger, link, now=clock.now)
    who = sign_in.signed_in(ledger, session, now=clock.now)
    assert who is not None
    assert (who.name, who.rights) == ("Jo Example", {Right.VIEW, Right.ACT})
    late = sign_in.link(ledger, "Jo Example", now=clock.now)
    clock.advance(minutes=16)
    with pytest.raises(Denied):
        sign_in.sign_in(ledger, late, now=clock.now)
    clock.advance(hours=12)
    assert sign_in.signed_in(ledger, session, now=clock.now) is None


def test_who_is_disabled_is_out_at_once(context: Context, clock: FixedClock) -> None:
    ledger = context.ledger
    sign_in.add(ledger, "Jo Example", set(), now=clock.now, new_id=context.new_id)
    session = sign_in.sign_in(
        ledger, sign_in.link(ledger, "Jo Example", now=clock.now), now=clock.now
    )
    open_link = sign_in.link(ledger, "Jo Example", now=clock.now)
    assert ledger.people.disable_person("Jo Example", now=clock.now)
    assert sign_in.signed_in(ledger, session, now=clock.now) is None
    with pytest.raises(Denied):
        sign_in.sign_in(ledger, open_link, now=clock.now)
    with pytest.raises(Denied):
        sign_in.link(ledger, "Jo Example", now=clock.now)


def test_signing_out_ends_a_session(context: Context, clock: FixedClock) -> None:
    ledger = context.ledger
    sign_in.add(ledger, "Jo Example", set(), now=clock.now, new_id=context.new_id)
    session = sign_in.sign_in(
        ledger, sign_in.link(ledger, "Jo Example", now=clock.now), now=clock.now
    )
    sign_in.sign_out(ledger, session, now=clock.now)
    assert sign_in.signed_in(ledger, session, now=clock.now) is None


def returned(world: World, context: Context, count: int) -> list[DeliveryId]:  # noqa: F811
    """Let an agency give so many deliveries back, and say who has them."""
    ids = []
    for number in range(count):
        status = world.routed(sample(2) | {"reference": f"OCC/2027/9{number}"})
        (one,) = status["deliveries"]
        told = {"stage": "returned", "by": "A. Worker", "reason": "not_ours"}
        assert world.answer(one["agency"], delivery=one["id"], **told)["result"] == "recorded"
        ids.append(DeliveryId(UUID(one["id"])))
    return ids


def test_sending_on_needs_a_reason_and_keeps_it_with_the_name(
    context: Context,
    world: World,  # noqa: F811
) -> None:
    (id_,) = returned(world, context, 1)
    to = OrganisationCode("shropshire-csc")
    for reason in ("", " ", "x" * 501):
        with pytest.raises(Invalid):
            operator_actions.redirect(context, id_, area=None, agency=to, by=JO, reason=reason)
    assert ("delivery.sent_on", JO) not in told(context, id_)
    new = operator_actions.redirect(
        context, id_, area=None, agency=to, by=JO, reason="they moved last week"
    )
    (referral,) = context.ledger.monitoring.find(str(id_))
    (kept,) = reasons(context, referral)
    assert (kept.kind, kept.actor, kept.delivery) == ("delivery.sent_on", JO, id_)
    assert kept.reason == "they moved last week"
    assert [
        delivery.replaces
        for delivery in context.ledger.queries.referral(None, id=referral).deliveries
    ] == [
        None,
        id_,
    ]
    assert new != id_


def test_what_a_fault_of_ours_left_to_ops_is_routed_again_when_that_is_mended(
    context: Context,
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    clock: FixedClock,
) -> None:
    receipt = world.hand_in(sample(12))
    id_ = ReferralId(receipt["id"])
    with monkeypatch.context() as broken:
        broken.setattr(route, "decide", lambda *_, **__: 1 / 0)
        for _ in range(route.ATTEMPTS):
            route.drain(context)
            clock.advance(hours=1)
        assert world.status(receipt)["reason"] == "fault"
        with pytest.raises(Invalid):
            operator_actions.retry_routing(context, id_, by=JO, reason=" ")
        operator_actions.retry_routing(context, id_, by=JO, reason="it was restarted")
        route.drain(context)
        assert world.status(receipt)["reason"] == "fault", "it has all its attempts again"
        assert context.ledger.sweep.due(now=clock() + timedelta(hours=1)).route == UUID(id_)
    clock.advance(hours=1)
    route.drain(context)
    assert world.status(receipt)["state"] == "routed"
    assert [(reason.kind, reason.actor, reason.reason) for reason in reasons(context, id_)] == [
        ("referral.rerouted", JO, "it was restarted")
    ]
    with pytest.raises(Conflict, match="not unroutable"):
        operator_actions.retry_routing(context, id_, by=JO, reason="once more")


def test_giving_an_area_needs_a_reason_and_keeps_it(
    context: Context,
    world: World,  # noqa: F811
) -> None:
    receipt = world.hand_in(sample(10))
    world.drain()
    id_ = ReferralId(receipt["id"])
    (child,) = [child["id"] for child in sample(10)["children"]]
    with pytest.raises(Invalid):
        operator_actions.give_areas(context, id_, {child: "E06000021"}, by=JO, reason="")
    for local in ("jane-example", "Jane Example"):
        with pytest.raises(Invalid, match="not known"):
            operator_actions.give_areas(
                context, id_, {local: "E06000021"}, by=JO, reason="the school told us"
            )
    assert reasons(context, id_) == []
    operator_actions.give_areas(
        context, id_, {child: "E06000021"}, by=JO, reason="the school told us"
    )
    (kept,) = reasons(context, id_)
    assert (kept.kind, kept.actor, kept.reason) == (
        "referral.areas_given",
        JO,
        "the school told us",
    )
    world.drain()
    assert world.status(receipt)["state"] == "routed"


def test_many_are_sent_on_by_plan_reason_and_pace(
    context: Context,
    clock: FixedClock,
    world: World,  # noqa: F811
) -> None:
    ids = returned(world, context, 3)
    agency = str(context.ledger.deliveries.delivery(None, ids[0]).agency)
    with pytest.raises(Invalid):
        operator_actions.plan_redirect(
            context, receiver="nobody", agency=None, cause=None, per_minute=60, by=JO
        )
    told_ = {"receiver": "shropshire-csc", "per_minute": 60, "by": JO}
    other = operator_actions.plan_redirect(context, agency=None, cause="wrong_area", **told_)
    assert operator_actions.planned(context, other).planned == 0
    plan = operator_actions.plan_redirect(context, agency=agency, cause="not_ours", **told_)
    (line,) = operator_actions.lines(context, operator_actions.planned(context, plan))
    assert (line.agency, line.cause, line.count) == (agency, "not_ours", 3)
    with pytest.raises(Invalid):
        operator_actions.start_replay(context, plan, reason="", typed="", by="person:Sam Example")
    operator_actions.start_replay(
        context, plan, reason="their team closed", typed="", by="person:Sam Example"
    )
    # One that was sent on by hand meanwhile is not among them any more.
    operator_actions.redirect(
        context, ids[0], area=None, agency=OrganisationCode("stoke-csc"), by=JO, reason="sooner"
    )
    clock.advance(seconds=1)
    assert bulk.advance_replays(context) == 1
    operator_actions.turn_replay(context, plan, "pause", by=JO)
    clock.advance(seconds=60)
    assert bulk.advance_replays(context) == 0
    operator_actions.turn_replay(context, plan, "go_on", by=JO)
    clock.advance(seconds=60)
    Sweeper(context, "test").sweep()
    clock.advance(seconds=60)
    assert bulk.advance_replays(context) == 0
    found = operator_actions.planned(context, plan)
    assert (found.state, found.done, found.failed) == ("done", 2, 0)
    assert (found.planned_by, found.started_by) == (JO, "person:Sam Example")
    for id_ in ids[1:]:
        assert ("delivery.sent_on", "person:Sam Example") in told(context, id_)
        (referral,) = context.ledger.monitoring.find(str(id_))
        assert [reason.reason for reason in reasons(context, referral)] == ["their team closed"]
    with pytest.raises(Conflict):
        operator_actions.turn_replay(context, plan, "stop", by=JO)


def test_what_cannot_be_sent_on_is_counted_and_looked_at_once(
    context: Context,
    clock: FixedClock,
    settings: Any,
    world: World,  # noqa: F811
) -> None:
    returned(world, context, 2)
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("update delivery set policy_row = 'gone' where state = 'returned'")
    plan = operator_actions.plan_redirect(
        context, receiver="shropshire-csc", agency=None, cause=None, per_minute=60, by=JO
    )
    operator_actions.start_replay(context, plan, reason="a try", typed="")
    clock.advance(seconds=60)
    assert bulk.advance_replays(context) == 0
    clock.advance(seconds=60)
    assert bulk.advance_replays(context) == 0
    found = operator_actions.planned(context, plan)
    assert (found.state, found.done, found.failed) == ("done", 0, 2)
    assert {row.kind for row in context.ledger.queries.attention(limit=9)} == {"returned"}
