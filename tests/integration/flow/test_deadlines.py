"""Alarms, escalations and paused clocks, on real engines: each alarm fires once, when it is due."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from broker.domain.codes import Milestone, PauseReason
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.errors import Conflict
from broker.flow import clock_pause, deadlines
from broker.flow.context import Context
from broker.ledger.database import statement
from tests.acceptance.conftest import World, sample


@pytest.fixture
def ledger(dsn: str) -> Any:
    """Look at the ledger's own tables."""

    def ask(question: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(dsn) as connection:
            return connection.execute(question.encode(), values).fetchall()

    return ask


@pytest.fixture
def late(world: World) -> dict[str, Any]:
    """A high referral of Monday at ten that nobody acknowledges by two."""
    world.at("2026-12-21 10:00")
    return world.routed(sample(1))


def leg(status: dict[str, Any]) -> dict[str, Any]:
    (found,) = status["deliveries"]
    return found


def escalations(world: World, organisation: str, scope: str) -> list[dict[str, Any]]:
    headers = world.headers(organisation, scope)
    found: list[dict[str, Any]] = world.client.get("/v1/escalations", headers=headers).json()[
        "escalations"
    ]
    return found


def test_many_that_watch_at_once_ring_each_alarm_once(
    world: World, context: Context, ledger: Any
) -> None:
    world.at("2026-12-21 10:00")
    for number in range(30):
        world.hand_in(sample(1) | {"reference": f"OCC/{number}"})
    world.drain()
    world.at("2026-12-21 18:00")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: deadlines.watch(context), range(8)))
    fired = ledger("select milestone, percent, count(*) from alarm group by 1, 2 order by 1, 2")
    assert {(milestone, percent) for milestone, percent, _ in fired} == {
        *(("acknowledge", percent) for percent in (50, 75, 90, 100)),
    }
    assert {count for _, _, count in fired} == {30}
    told = ledger("select kind, count(*) from event where kind ~ 'breached|warned' group by 1")
    assert sorted(told) == [("delivery.breached", 30), ("delivery.warned", 90)]
    assert ledger("select count(*), min(step), max(step) from escalation") == [(30, 1, 1)]


def test_nothing_rings_for_what_was_met(world: World, late: dict[str, Any], ledger: Any) -> None:
    taken = leg(late)["id"]
    world.answer("stoke-csc", delivery=taken, stage="acknowledged", by="A. Duty")
    world.answer(
        "stoke-csc",
        delivery=taken,
        stage="decided",
        by="A. Duty",
        outcome="assessment",
    )
    world.clock.advance(days=10)
    world.watch()
    assert ledger("select count(*) from alarm") == [(0,)]
    assert ledger("select count(*) from delivery where next_alarm_at is not null") == [(0,)]


def test_the_police_stop_the_ladder_and_the_late_agency_only_its_own_steps(
    world: World, late: dict[str, Any], ledger: Any
) -> None:
    world.at("2026-12-21 14:01")
    world.watch()
    (running,) = escalations(world, "stoke-csc", "collect")
    assert (running["milestone"], running["step"], running["state"]) == ("acknowledge", 1, "open")
    assert escalations(world, "shropshire-csc", "collect") == []
    address = f"/v1/escalations/{running['id']}/acknowledge"
    strangers = world.headers("shropshire-csc", "collect")
    said = {"by": "Duty manager"}
    assert world.client.post(address, json=said, headers=strangers).status_code == 404
    own = world.headers("stoke-csc", "collect")
    done = world.client.post(address, json=said, headers=own).json()
    assert (done["state"], done["acknowledged_by"]) == ("open", None)
    assert (done["own_acknowledged_by"], world.local(done["own_until"])) == (
        "Duty manager",
        "2026-12-21 14:31",
    )
    world.clock.advance(minutes=20)
    again = world.client.post(address, json={"by": "Somebody else"}, headers=own).json()
    assert (again["own_acknowledged_by"], again["own_until"]) == ("Duty manager", done["own_until"])
    world.at("2026-12-21 16:30")
    world.watch()
    world.watch()
    (running,) = escalations(world, "staffordshire-police", "publish")
    assert (running["step"], running["state"]) == (3, "open")
    done = world.client.post(address, json={"by": "Supervisor"}, headers=world.police).json()
    assert (done["state"], done["acknowledged_by"]) == ("acknowledged", "Supervisor")
    world.at("2026-12-21 16:59")
    world.watch()
    (running,) = escalations(world, "staffordshire-police", "publish")
    assert (running["step"], running["state"]) == (3, "acknowledged")
    world.at("2026-12-21 17:01")  # taken on for 30 minutes, and still late
    world.watch()
    (running,) = escalations(world, "staffordshire-police", "publish")
    assert (running["step"], running["state"]) == (4, "open")
    acknowledged = "select actor, data - 'escalation' from event where kind ~ 'escalation_ack'"
    assert [data for _, data in ledger(f"{acknowledged} order by id")] == [
        {
            "milestone": "acknowledge",
            "step": 1,
            "whose": "agency",
            "until": "2026-12-21T14:31:00+00:00",
        },
        {
            "milestone": "acknowledge",
            "step": 3,
            "whose": "publisher",
            "until": "2026-12-21T17:00:00+00:00",
        },
    ]


def test_an_agencys_own_acknowledgement_leaves_out_its_own_steps_alone(
    world: World, ledger: Any
) -> None:
    """Urgent: duty at once, the manager after 15 minutes, the police after 30, ops after 45."""
    world.at("2026-12-24 18:30")
    world.routed(sample(2))
    world.at("2026-12-24 22:31")
    world.watch()
    (running,) = [
        item
        for item in escalations(world, "staffordshire-edt", "collect")
        if item["milestone"] == "acknowledge"
    ]
    address = f"/v1/escalations/{running['id']}/acknowledge"
    own = world.headers("staffordshire-edt", "collect")
    assert world.client.post(address, json={"by": "Cron"}, headers=own).status_code == 200
    world.at("2026-12-24 22:46")
    world.watch()
    notices = "select organisation, contact from notice where escalation = %s"
    assert set(ledger(notices, running["id"])) == {("staffordshire-edt", "duty")}
    world.at("2026-12-24 23:20")
    for _ in range(3):
        world.watch()
    assert set(ledger(notices, running["id"])) == {
        ("staffordshire-edt", "duty"),
        ("staffordshire-police", "supervisor"),
        ("ops", "duty"),
    }


def test_an_answer_ends_the_ladder(world: World, late: dict[str, Any], ledger: Any) -> None:
    world.at("2026-12-21 14:01")
    world.watch()
    taken = leg(late)["id"]
    world.answer("stoke-csc", delivery=taken, stage="acknowledged", by="A. Duty")
    assert escalations(world, "stoke-csc", "collect") == []
    assert ledger("select state, ended_because from escalation") == [("ended", "met")]
    kinds = ledger("select kind from event where delivery = %s order by id", taken)
    assert ("delivery.escalation_ended",) in kinds


def test_what_nobody_can_route_is_alarmed_to_ops(world: World) -> None:
    world.at("2026-12-14 10:00")
    status = world.routed(sample(10))
    assert status["state"] == "unroutable"
    world.at("2026-12-14 11:01")
    world.watch()
    (running,) = escalations(world, "ops", "ops")
    assert (running["milestone"], running["organisation"]) == ("attend", "ops")
    assert escalations(world, "staffordshire-police", "publish")[0]["id"] == running["id"]


@pytest.mark.parametrize(
    ("stage", "owner", "ladder"),
    [("returned", "ops", "unowned"), ("collected", "stoke-csc", "ordinary")],
)
def test_what_no_agency_holds_is_a_breach_of_ops_and_no_longer_of_its_agency(
    world: World, late: dict[str, Any], ledger: Any, stage: str, owner: str, ladder: str
) -> None:
    about = {"reason": "not_ours"} if stage == "returned" else {}
    world.answer("stoke-csc", delivery=leg(late)["id"], stage=stage, by="Duty worker", **about)
    world.at("2026-12-21 14:01")
    world.watch()
    assert ledger(
        "select organisation, ladder from escalation where milestone = 'acknowledge'"
    ) == [(owner, ladder)]


def test_a_clock_that_policy_lets_pause_is_paused_and_resumed(
    world: World, context: Context
) -> None:
    """Probation: acknowledge 24 hours, never paused; decide 3 working days, which may be."""
    world.at("2026-12-14 10:00")
    status = world.routed(sample(8))
    own = next(
        delivery for delivery in status["deliveries"] if delivery["agency"].startswith("probation")
    )
    before = own["deadlines"]
    address = f"/v1/deliveries/{own['id']}"
    headers = world.headers(own["agency"], "collect")
    stood = world.client.post(
        f"{address}/pause", json={"reason": "information_requested"}, headers=headers
    )
    assert stood.status_code == 200, stood.text
    world.at("2026-12-17 18:00")
    world.watch()
    timeline = world.client.get(f"/v1/referrals/{status['id']}/timeline", headers=world.police)
    fired = [event for event in timeline.json()["events"] if event["delivery"] == own["id"]]
    breached = {
        event["data"]["milestone"] for event in fired if event["kind"] == "delivery.breached"
    }
    assert breached == {"acknowledge"}
    gone_on = world.client.post(f"{address}/resume", json={}, headers=headers).json()["deadlines"]
    assert gone_on["acknowledge_by"] == before["acknowledge_by"]
    # All 31 opening hours until Thursday 17:00 were lost: they run from Friday, to Wednesday 16:00,
    # and a working day ends with the close of business.
    assert world.local(gone_on["decide_by"]) == "2026-12-23 17:00"
    again = world.client.post(f"{address}/resume", json={}, headers=headers).json()["deadlines"]
    assert again == gone_on


def test_the_watch_waits_for_nobody_who_answers(
    world: World, late: dict[str, Any], dsn: str, ledger: Any
) -> None:
    """Whoever answers locks the referral, then its deliveries; the watch comes the other way."""
    asked = {"ids": [leg(late)["id"]]}
    with psycopg.connect(dsn) as answering:
        answering.execute(statement("receipts/lock_referrals"), asked)
        for instant in ("2026-12-21 14:01", "2026-12-21 18:00"):
            world.at(instant)
            world.watch()
    assert ledger("select count(*) from alarm where percent = 100") == [(1,)]
    assert ledger("select step > 1 from escalation") == [(True,)]


@pytest.mark.parametrize(
    ("reason", "goes_on"), [("information_requested", True), ("legal_hold", False)]
)
def test_a_correction_ends_the_wait_for_information_and_no_other(
    world: World, ledger: Any, reason: str, *, goes_on: bool
) -> None:
    world.at("2026-12-14 10:00")
    status = world.routed(sample(8))
    own = next(
        delivery for delivery in status["deliveries"] if delivery["agency"].startswith("probation")
    )
    headers = world.headers(own["agency"], "collect")
    world.answer(own["agency"], delivery=own["id"], stage="acknowledged", by="A. Person")
    world.at("2026-12-15 09:00")
    address = f"/v1/deliveries/{own['id']}"
    assert world.client.post(
        f"{address}/pause", json={"reason": reason}, headers=headers
    ).is_success
    world.at("2026-12-16 09:00")
    document = sample(8)
    document["concern"]["summary"] += " The account has another name."
    sent = world.client.post(
        f"/v1/referrals/{status['id']}/corrections", json=document, headers=world.police
    )
    assert sent.status_code == 202, sent.text
    world.drain()
    (due,) = ledger("select decide_by from delivery where id = %s", own["id"])
    # One working day was lost: Thursday's close of business became Friday's.
    local = world.local(due[0].isoformat())
    assert local == ("2026-12-18 17:00" if goes_on else "2026-12-17 17:00")
    told = ledger(
        "select data ->> 'because', actor from event where kind = 'delivery.resumed' "
        "and delivery = %s",
        own["id"],
    )
    assert told == ([("corrected", "broker")] if goes_on else [])
    assert ledger("select paused_at is null from delivery where id = %s", own["id"]) == [(goes_on,)]


def test_only_paused_clocks_are_left_out_of_lists_and_counts(
    world: World, context: Context
) -> None:
    """While probation's decision waits, its acknowledgement still shows as late; so it reports."""
    world.at("2026-12-14 10:00")
    begun = world.clock.now
    status = world.routed(sample(8))
    own = next(
        delivery for delivery in status["deliveries"] if delivery["agency"].startswith("probation")
    )
    address, headers = f"/v1/deliveries/{own['id']}", world.headers(own["agency"], "collect")
    world.client.post(f"{address}/pause", json={"reason": "legal_hold"}, headers=headers)

    def seen() -> tuple[set[str], set[str], int, int, int]:
        asked = {"now": world.clock.now, "agency": own["agency"]}
        listed = context.ledger.monitoring.at_risk(**asked, limit=10)
        missed = context.ledger.monitoring.breaches(**asked, since=begun, limit=10).latest
        bands = context.ledger.monitoring.burn_down(**asked)
        work = context.ledger.monitoring.open_work(**asked)[OrganisationCode(own["agency"])]
        return (
            {deadline.milestone for deadline in listed},
            {deadline.milestone for deadline in missed},
            sum(bands["breached"].values()),
            sum(bands["paused"].values()),
            work.overdue,
        )

    world.at("2026-12-21 10:00")
    assert seen() == ({"acknowledge"}, {"acknowledge"}, 1, 0, 1)
    figures = context.ledger.deadline_report.deadline_figures(
        begun, begun + timedelta(minutes=1), now=world.clock.now
    )
    (deadlines,) = (figure.deadlines for figure in figures if figure.of == own["agency"])
    assert deadlines[Milestone.ACKNOWLEDGE]["overdue"] == 1
    assert (deadlines[Milestone.DECIDE]["open"], deadlines[Milestone.DECIDE]["overdue"]) == (1, 0)
    world.answer(own["agency"], delivery=own["id"], stage="acknowledged", by="A. Person")
    assert seen() == (set(), {"acknowledge"}, 0, 1, 0)


def test_what_is_late_stays_late_when_its_clock_is_stopped(world: World, context: Context) -> None:
    world.at("2026-12-14 10:00")
    status = world.routed(sample(8))
    own = next(
        delivery for delivery in status["deliveries"] if delivery["agency"].startswith("probation")
    )
    world.answer(own["agency"], delivery=own["id"], stage="acknowledged", by="A. Person")
    world.at("2026-12-21 10:00")
    address, headers = f"/v1/deliveries/{own['id']}", world.headers(own["agency"], "collect")
    world.client.post(f"{address}/pause", json={"reason": "legal_hold"}, headers=headers)
    (listed,) = context.ledger.monitoring.at_risk(
        now=world.clock.now, agency=own["agency"], limit=10
    )
    assert (listed.milestone, listed.why) == ("decide", "breached")


def test_what_the_law_sets_is_never_paused(
    world: World, context: Context, late: dict[str, Any]
) -> None:
    id_ = DeliveryId(leg(late)["id"])
    with pytest.raises(Conflict, match="can be paused"):
        clock_pause.pause_clock(context, id_, PauseReason.LEGAL_HOLD, agency=None, actor="key:ops")


def test_once_ops_gives_the_area_the_ladder_of_what_nobody_had_is_over(
    world: World, ledger: Any
) -> None:
    world.at("2026-12-14 10:00")
    document = sample(10)
    status = world.routed(document)
    world.at("2026-12-14 11:01")
    world.watch()
    areas = {child["id"]: "E06000021" for child in document["children"]}
    address = f"/v1/referrals/{status['id']}/areas"
    given = world.client.post(address, json={"areas": areas}, headers=world.headers("ops", "ops"))
    assert given.status_code == 202, given.text
    world.drain()
    assert ledger("select state, ended_because from escalation") == [("ended", "met")]


def test_what_is_recalled_is_escalated_no_further(
    world: World, late: dict[str, Any], ledger: Any
) -> None:
    world.at("2026-12-21 14:01")
    world.watch()
    told = {"reason": "wrong_person", "by": "DS Imogen Farlow"}
    world.client.post(f"/v1/referrals/{late['id']}/recall", json=told, headers=world.police)
    assert ledger("select state, ended_because from escalation") == [("ended", "recalled")]


def test_a_regrade_moves_alarms_with_the_deadlines(
    world: World, late: dict[str, Any], ledger: Any
) -> None:
    """Immediate from 12:00 on: due at 13:00, and the half hour rings, though 50 % rang before."""
    world.at("2026-12-21 12:01")
    world.watch()
    document = sample(1)
    document["grade"]["level"] = "immediate"
    path = f"/v1/referrals/{late['id']}/corrections"
    corrected = world.client.post(path, json=document, headers=world.police)
    assert corrected.status_code == 202, corrected.text
    world.drain()
    world.at("2026-12-21 12:33")
    world.watch()
    asked = "select percent from alarm where delivery = %s and milestone = 'acknowledge' order by 1"
    assert ledger(asked, leg(late)["id"]) == [(50,), (50,)]
    world.at("2026-12-21 13:02")
    world.watch()
    assert ledger(asked, leg(late)["id"])[-1] == (100,)
