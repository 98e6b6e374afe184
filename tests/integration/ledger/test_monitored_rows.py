"""What each figure of monitoring counts, at its edges: one row more or less than what counts."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import uuid_utils.compat as ids

from broker.domain.codes import Cause
from broker.domain.credential import Credential
from broker.domain.ids import CredentialId, DeliveryId, OrganisationCode, ReferralId
from broker.domain.monitoring import AgencySearch
from broker.ledger.monitoring import DAY, SOON
from broker.policy.routing.assignments import UNTIL_RELEASED
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE, Book, by_ops

MINUTE = timedelta(minutes=1)
MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
NOTICE = """
insert into notice (id, kind, organisation, contact, channel, referral, escalation, state, attempt,
                    created_at, next_attempt_at, lease_until, ended_at)
values (gen_random_uuid(), 'late', 'stoke-csc', %(contact)s, 'email', %(referral)s, %(escalation)s,
        %(state)s, %(attempt)s, %(at)s,
        case when %(state)s = 'due' then %(at)s::timestamptz end,
        case when %(state)s = 'sending' then %(at)s::timestamptz end,
        case when %(state)s in ('sent', 'failed', 'void') then %(at)s::timestamptz end)
"""
ESCALATION = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, next_step_at, state, acknowledged_by, acknowledged_at,
                        ended_at, ended_because)
select %(id)s, 'ladder', 'v1', %(milestone)s, delivery.referral, delivery.id, delivery.agency,
       %(at)s, %(at)s, case when %(state)s = 'open' then %(at)s::timestamptz end, %(state)s,
       case when %(state)s = 'acknowledged' then 'person:Jo' end,
       case when %(state)s = 'acknowledged' then %(at)s::timestamptz end,
       case when %(state)s = 'ended' then %(at)s::timestamptz end,
       case when %(state)s = 'ended' then 'met' end
from delivery where delivery.id = %(delivery)s
"""
SILENT = """
with began as (
    insert into escalation (id, ladder, policy_version, milestone, organisation, due_at, began_at,
                            state, ended_at, ended_because)
    values (gen_random_uuid(), 'silence', 'v1', 'silence', %(agency)s, %(at)s, %(at)s, %(state)s,
            case when %(state)s = 'ended' then %(at)s::timestamptz end,
            case when %(state)s = 'ended' then 'met' end)
    returning id
)
insert into silence (escalation, activity, reason) select id, %(activity)s, 'learned' from began
"""


def do(book: Book, statement: str, **values: Any) -> None:
    with book.ledger.transaction() as connection:
        connection.execute(statement.encode(), values)


def delivered(book: Book, agency: OrganisationCode = STOKE, **columns: Any) -> DeliveryId:
    """Return a delivery with these columns, whose only deadline is what they say."""
    referral = book.routed_to(agency)
    ((id_,),) = book.look("select id from delivery where referral = %s", referral)
    values = {"acknowledge_by": None, "decide_by": None, **columns}
    pairs = ", ".join(f"{name} = %s" for name in values)
    book.do(f"update delivery set {pairs} where id = %s", *values.values(), id_)
    return DeliveryId(id_)


def notice(book: Book, state: str, **changes: Any) -> None:
    values = {"contact": "duty", "referral": None, "escalation": None, "attempt": 0, "at": NOW}
    do(book, NOTICE, **values | {"state": state} | changes)


def escalated(book: Book, delivery: DeliveryId, state: str = "open", **changes: Any) -> UUID:
    values = {"id": ids.uuid7(), "milestone": "acknowledge", "at": NOW, "delivery": delivery}
    do(book, ESCALATION, **values | {"state": state} | changes)
    return UUID(str(values["id"]))


def silent(
    book: Book, agency: OrganisationCode, state: str = "open", activity: str = "collecting"
) -> None:
    do(book, SILENT, agency=agency, at=NOW, state=state, activity=activity)


def test_what_waits_in_the_broker_and_which_of_its_processes_run(book: Book) -> None:
    first = delivered(book)
    for state, milestone in (("open", "collect"), ("acknowledged", "decide"), ("ended", "attend")):
        escalated(book, first, state, milestone=milestone)
    for state, attempt in (("due", 0), ("due", 1), ("sending", 1), ("sent", 1), ("void", 1)):
        notice(book, state, attempt=attempt)
    for ago in (timedelta(0), DAY - MOMENT, DAY):
        notice(book, "failed", at=NOW - ago)
    lead = "insert into lead (name, holder, until) values (%s, %s, %s)"
    for name, until in (("worker 1", NOW + MOMENT), ("worker 2", NOW), ("other", NOW + HOUR)):
        book.do(lead, name, "a", until)
    book.do(lead, "sweep", "sweeper", NOW + HOUR)
    report = "insert into process_report (process, part, reported_at, seen) values (%s, %s, %s, %s)"
    for name, part, ago in (
        ("1", "gateway", MINUTE - MOMENT),
        ("2", "gateway", MINUTE),
        ("3", "worker", timedelta(0)),
    ):
        book.do(report, name, part, NOW - ago, "{}")
    status = book.ledger.monitoring.pipeline_status(now=NOW)
    assert (status.escalations, status.notices_due, status.notices_deferred) == (1, 2, 1)
    assert (status.notices_failed, status.workers, status.gateways) == (2, 1, 1)
    assert (status.sweeper, status.sweep_until) == ("sweeper", NOW + HOUR)
    counts = book.ledger.monitoring.waiting_counts(now=NOW)
    assert (counts.escalations, counts.taken_on, counts.notices_failed) == (1, 1, 2)


def test_retries_are_those_of_what_is_pushed_and_waits(book: Book) -> None:
    later = NOW + HOUR
    delivered(book, channel="queue", next_attempt_at=later)
    delivered(book, channel="queue", next_attempt_at=NOW)
    delivered(book, channel="queue", next_attempt_at=NOW - HOUR, state="collected")
    delivered(book, channel="mailbox", next_attempt_at=NOW - HOUR)
    status = book.ledger.monitoring.pipeline_status(now=NOW)
    assert (status.retries, status.next_retry_at) == (1, NOW)


def test_what_waits_for_ops_is_what_no_agency_deals_with(book: Book) -> None:
    returned = {"state": "returned", "returned_at": NOW}
    for columns in (
        {**returned, "acknowledge_by": NOW - MOMENT, "decide_by": NOW + HOUR},
        {**returned, "decide_by": NOW},
        {**returned, "sent_on_at": NOW, "decide_by": NOW - HOUR},
        {"state": "undeliverable", "undeliverable_at": NOW, "acknowledge_by": NOW + HOUR},
        {"state": "held", "available_at": UNTIL_RELEASED, "acknowledge_by": NOW + HOUR},
        {"state": "held", "available_at": NOW + HOUR, "acknowledge_by": NOW - HOUR},
        {"state": "acknowledged", "available_at": UNTIL_RELEASED, "acknowledge_by": NOW + HOUR},
    ):
        delivered(book, **columns)
    counts = book.ledger.monitoring.waiting_counts(now=NOW)
    assert (counts.needs_you, counts.needs_you_late, counts.needs_you_by) == (4, 1, NOW - MOMENT)
    book.do(
        "update referral set recalled_at = %s, recall_reason = 'wrong_person', recalled_by = 'A'",
        NOW,
    )
    # What cannot be delivered may be what tells an agency to destroy its copy.
    assert book.ledger.monitoring.waiting_counts(now=NOW).needs_you == 1
    unroutable(book, attend_by=NOW)
    task = (
        "insert into task (publisher, digest, code, message, policy_version, opened_at, due_at)"
        " values (%s, %s, 'refused', 'Call.', 'v1', %s, %s)"
    )
    for number in (1, 2):
        book.do(task, POLICE, bytes([number] * 32), NOW, NOW)
    settle = (
        "update task set state = 'settled', settled_at = due_at, settled_by = 'x',"
        " settled_because = 'y' where digest = %s"
    )
    book.do(settle, bytes([1] * 32))
    assert book.ledger.monitoring.waiting_counts(now=NOW).needs_you == 3


def unroutable(book: Book, **columns: Any) -> ReferralId:
    id_ = book.accept(str(ids.uuid7()))
    values = {"state": "unroutable", "reason": "no_area", "next_attempt_at": None, **columns}
    pairs = ", ".join(f"{name} = %s" for name in values)
    book.do(f"update referral set {pairs} where id = %s", *values.values(), id_)
    return id_


AT_EDGES = {
    "late": NOW - MOMENT,
    "due": NOW,
    "soon": NOW + SOON - MOMENT,
    "later": NOW + SOON,
}


def test_what_is_due_now_is_not_late_and_what_is_due_after_a_while_is_not_soon(book: Book) -> None:
    for at in AT_EDGES.values():
        delivered(book, acknowledge_by=at)
        delivered(book, acknowledge_by=at, state="held")
    monitoring = book.ledger.monitoring
    counts = monitoring.risk_counts(now=NOW)
    assert (counts.open, counts.breached, counts.due_soon) == (8, 1, 2)
    reasons = [risk.why for risk in monitoring.at_risk(now=NOW, limit=9)]
    assert reasons == ["breached", "soon", "soon"]
    assert len(monitoring.at_risk(now=NOW, limit=9, everything=True)) == 4
    (urgent,) = monitoring.urgent_work(now=NOW, limit=9, each=9).agencies
    assert (urgent.late, urgent.soon) == (1, 2)
    assert [delivery.due_at for delivery in urgent.deliveries] == list(AT_EDGES.values())[:3]
    assert urgent.first_soon_at == NOW
    assert monitoring.urgent_work(now=NOW, limit=9, each=9).first_soon_at == NOW
    stoke = listed(book)[STOKE]
    assert (stoke.open, stoke.late, stoke.soon, stoke.first_due_at) == (8, 1, 2, NOW - MOMENT)
    work = monitoring.open_work(now=NOW)[STOKE]
    assert (work.overdue, work.next_due_at) == (1, NOW - MOMENT)
    missed = monitoring.breaches(now=NOW, since=NOW, limit=9).latest
    assert {breach.due_at for breach in missed} == {NOW - MOMENT}
    assert monitoring.waiting_counts(now=NOW).late_agencies == 1


@pytest.mark.parametrize(
    ("ahead", "band"),
    [
        (-MOMENT, "breached"),
        (timedelta(0), "5"),
        (5 * MINUTE, "15"),
        (15 * MINUTE, "30"),
        (30 * MINUTE, "60"),
        (60 * MINUTE, "more"),
    ],
)
def test_a_band_ends_before_the_next_one_begins(book: Book, ahead: timedelta, band: str) -> None:
    delivered(book, acknowledge_by=NOW + ahead)
    delivered(book, SHROPSHIRE, acknowledge_by=NOW + ahead)
    bands = book.ledger.monitoring.burn_down(now=NOW, agency=STOKE)
    assert {name: counts for name, counts in bands.items() if counts} == {band: {"high": 1}}


def test_the_figures_of_an_agency_are_its_own(book: Book) -> None:
    late = NOW - HOUR
    own = delivered(book, acknowledge_by=late)
    delivered(book, SHROPSHIRE, acknowledge_by=late)
    gone = {"state": "undeliverable", "undeliverable_at": NOW, "refused_because": "gone"}
    dead = delivered(book, acknowledge_by=NOW + HOUR, **gone)
    delivered(book, SHROPSHIRE, acknowledge_by=NOW + HOUR, **gone)
    met = {"collected_at": NOW, "acknowledged_at": NOW, "decided_at": NOW, "state": "decided"}
    decided = delivered(book, collect_by=late, acknowledge_by=late, decide_by=late, **met)
    delivered(book, SHROPSHIRE, collect_by=late, acknowledge_by=late, decide_by=late, **met)
    unroutable(book, attend_by=late)
    waiting = book.accept("waiting")
    book.do("update referral set accepted_at = %s where id = %s", late, waiting)
    monitoring = book.ledger.monitoring
    assert monitoring.open_work(now=NOW, agency=STOKE).keys() == {STOKE}
    assert [letters.agency for letters in monitoring.dead_letters(agency=STOKE)] == [STOKE]
    listed_ = monitoring.at_risk(now=NOW, limit=9, agency=STOKE)
    assert [risk.delivery for risk in listed_] == [own, dead]
    missed = monitoring.breaches(now=NOW, since=late, limit=9, agency=STOKE).latest
    assert {(breach.delivery, breach.milestone) for breach in missed} == {
        (own, "acknowledge"),
        *((decided, step) for step in ("collect", "acknowledge", "decide")),
    }
    (urgent,) = monitoring.urgent_work(now=NOW, limit=9, each=9, agency=STOKE).agencies
    assert urgent.agency == STOKE
    assert {risk.milestone for risk in monitoring.at_risk(now=NOW, limit=9)} == {
        "acknowledge",
        "attend",
        "route",
    }


def test_a_breach_of_the_window_begins_with_it_and_has_its_cause(book: Book) -> None:
    for ago in (timedelta(0), MOMENT):
        delivered(
            book,
            collect_by=NOW - HOUR - ago,
            collected_at=NOW,
            state="decided",
            decided_at=NOW,
            clock_start=NOW - 2 * HOUR,
            available_at=NOW - 2 * HOUR,
        )
    missed = book.ledger.monitoring.breaches(now=NOW, since=NOW - HOUR, limit=9)
    assert [breach.due_at for breach in missed.latest] == [NOW - HOUR]
    assert missed.lasting == 0
    (breach,) = missed.latest
    assert (breach.met_at, breach.ended_at, breach.cause) == (NOW, NOW, Cause.NOT_COLLECTED)


def test_a_breach_names_whom_its_own_escalation_reached(book: Book) -> None:
    own = delivered(book, acknowledge_by=NOW - HOUR, decide_by=NOW - HOUR)
    other = delivered(book, acknowledge_by=NOW - HOUR)
    ((referral,),) = book.look("select referral from delivery where id = %s", own)
    ((far,),) = book.look("select referral from delivery where id = %s", other)
    book.do("update delivery set referral = %s where id = %s", referral, other)
    about = {
        "own": escalated(book, own),
        "decide": escalated(book, own, milestone="decide"),
        "other": escalated(book, other),
    }
    for name, escalation in about.items():
        notice(book, "sent", contact=name, referral=referral, escalation=escalation)
    notice(book, "failed", contact="failed", referral=referral, escalation=about["own"])
    notice(book, "sent", contact="far", referral=far, escalation=about["own"])
    notice(book, "sent", contact="own", referral=referral, escalation=about["own"], at=NOW - HOUR)
    correct = (
        "insert into event (at, kind, publisher, referral, delivery, actor, data)"
        " values (%s, %s, %s, %s, %s, 'x', jsonb_build_object('milestone', %s::text, 'cause',"
        " %s::text))"
    )
    kind = "delivery.cause_corrected"
    for kind_, id_, milestone, cause in (
        (kind, own, "acknowledge", Cause.BROKER),
        (kind, own, "acknowledge", Cause.CHANNEL),
        (kind, other, "acknowledge", Cause.BROKER),
        (kind, own, "decide", Cause.BROKER),
        ("delivery.other", own, "acknowledge", Cause.BROKER),
    ):
        book.do(correct, NOW, kind_, POLICE, referral, id_, milestone, cause)
    missed = book.ledger.monitoring.breaches(now=NOW, since=NOW, limit=9).latest
    (breach,) = (row for row in missed if (row.delivery, row.milestone) == (own, "acknowledge"))
    reached = [(notified.contact, notified.at) for notified in breach.notified]
    assert reached == [(f"{STOKE} (own)", NOW - HOUR)]
    assert (breach.corrected, breach.cause) == (True, Cause.CHANNEL)


def test_a_risk_has_the_latest_escalation_of_its_own_that_runs(book: Book) -> None:
    id_, other = (delivered(book, acknowledge_by=NOW - HOUR) for _ in range(2))
    ((referral,),) = book.look("select referral from delivery where id = %s", id_)
    book.do("update delivery set referral = %s where id = %s", referral, other)
    escalated(book, id_, milestone="collect", at=NOW - HOUR)
    latest = escalated(book, id_, "acknowledged")
    escalated(book, id_, "ended", milestone="decide", at=NOW + HOUR)
    escalated(book, other, at=NOW + HOUR)
    risks = {risk.delivery: risk for risk in book.ledger.monitoring.at_risk(now=NOW, limit=9)}
    assert len(risks) == 2
    assert (risks[id_].escalation, risks[id_].owner) == (latest, "person:Jo")


@pytest.mark.parametrize(
    ("columns", "trouble"),
    [
        ({"state": "undeliverable", "undeliverable_at": NOW, "refused_because": "gone"}, "gone"),
        ({"next_attempt_at": NOW, "attempt": 1}, "deferred"),
        ({"next_attempt_at": NOW, "attempt": 0}, None),
        ({"attempt": 1}, None),
        ({"state": "collected", "next_attempt_at": NOW, "attempt": 1}, None),
        ({"refused_because": "gone"}, None),
    ],
)
def test_work_is_in_trouble_where_its_last_attempt_failed(
    book: Book, columns: dict[str, Any], trouble: str | None
) -> None:
    delivered(book, acknowledge_by=NOW + HOUR, **columns)
    (risk,) = book.ledger.monitoring.at_risk(now=NOW, limit=9, everything=True)
    assert (risk.trouble, risk.why) == (trouble, "trouble" if trouble else "open")


@pytest.mark.parametrize(
    ("silence", "columns", "why"),
    [
        ({}, {}, "silent"),
        ({"state": "ended"}, {}, "open"),
        ({"activity": "sending"}, {}, "open"),
        ({"agency": SHROPSHIRE}, {}, "open"),
        ({}, {"acknowledged_at": NOW, "decide_by": NOW + HOUR}, "open"),
    ],
)
def test_unanswered_work_is_at_risk_where_its_agency_is_silent(
    book: Book, silence: dict[str, Any], columns: dict[str, Any], why: str
) -> None:
    delivered(book, **{"acknowledge_by": NOW + HOUR, **columns})
    silent(book, **{"agency": STOKE, **silence})
    (risk,) = book.ledger.monitoring.at_risk(now=NOW, limit=9, everything=True)
    assert risk.why == why


def test_what_was_accepted_a_moment_ago_is_at_risk_only_later(book: Book) -> None:
    for seconds in (10, 11):
        id_ = book.accept(str(seconds))
        at = NOW - timedelta(seconds=seconds)
        book.do("update referral set accepted_at = %s where id = %s", at, id_)
    risks = book.ledger.monitoring.at_risk(now=NOW, limit=9)
    assert [risk.milestone for risk in risks] == ["route"]
    counts = book.ledger.monitoring.risk_counts(now=NOW)
    assert (counts.open, counts.due_soon, counts.unrouted) == (2, 1, 2)
    last = book.look("select max(id) from event")
    assert [(counts.last_event,)] == last


def listed(book: Book, **search: Any) -> dict[str, Any]:
    page = book.ledger.monitoring.agencies(AgencySearch(**search), now=NOW, limit=9)
    return {agency.agency: agency for agency in page.agencies}


def test_an_organisation_is_listed_with_what_is_not_as_usual_there(book: Book) -> None:
    retried = {"attempt": 1, "acknowledge_by": NOW + HOUR}
    delivered(book, next_attempt_at=NOW + 2 * MINUTE, **retried)
    delivered(book, next_attempt_at=NOW + MINUTE, **retried)
    delivered(book, next_attempt_at=NOW, **retried)
    delivered(book, next_attempt_at=NOW + MOMENT, **{**retried, "attempt": 0})
    delivered(book, next_attempt_at=NOW + MOMENT, state="collected", **retried)
    silent(book, STOKE, "ended")
    silent(book, SHROPSHIRE)
    book.ledger.operator_actions.suspend_agency(SHROPSHIRE, by_ops(NOW))
    agencies = listed(book)
    stoke, shropshire = agencies[STOKE], agencies[SHROPSHIRE]
    assert (stoke.retrying, stoke.retry_at) == (2, NOW + MINUTE)
    assert (stoke.silent_since, shropshire.silent_since) == (None, NOW)
    assert (stoke.stopped_at, shropshire.stopped_at) == (None, NOW)
    assert list(agencies) == [SHROPSHIRE, STOKE, POLICE]
    page = book.ledger.monitoring.agencies(AgencySearch(), now=NOW, limit=9)
    assert (page.retrying, page.silent, page.suspended, page.unusual) == (1, 1, 1, 2)
    assert [*listed(book, show="retrying")] == [STOKE]
    assert [*listed(book, show="silent")] == [SHROPSHIRE]
    assert [*listed(book, show="suspended")] == [SHROPSHIRE]
    assert [*listed(book, kind="police")] == [POLICE]
    assert [*listed(book, codes=[POLICE], text="nobody")] == [POLICE]
    assert [*listed(book, codes=[], text="stoke")] == [STOKE]


@pytest.mark.parametrize(("ahead", "shows"), [(-MINUTE, "late"), (MINUTE, "soon")])
def test_organisations_are_shown_that_have_late_work_or_work_that_is_due_soon(
    book: Book, ahead: timedelta, shows: str
) -> None:
    delivered(book, acknowledge_by=NOW + ahead)
    delivered(book, SHROPSHIRE, acknowledge_by=NOW + HOUR)
    assert [*listed(book, show="late")] == ([STOKE] if shows == "late" else [])
    assert [*listed(book, show="soon")] == [STOKE]
    assert next(iter(listed(book))) == STOKE


def test_an_organisation_was_seen_when_it_last_collected(book: Book) -> None:
    for number, (scope, at) in enumerate(
        (("collect", NOW), ("collect", NOW - HOUR), ("publish", NOW + HOUR))
    ):
        id_ = CredentialId(f"{number}" * 16)
        key = Credential(
            id_, STOKE, frozenset({scope}), bytes(32), "x", NOW - DAY, None, None, None
        )
        book.ledger.credentials.add_credential(key)
        book.do("update credential set last_used_at = %s where id = %s", at, id_)
    book.ledger.operator_actions.suspend_agency(SHROPSHIRE, by_ops(NOW))
    status = book.ledger.monitoring.organisation_status()
    assert list(status) == sorted([POLICE, STOKE, SHROPSHIRE])
    assert (status[STOKE].seen_at, status[SHROPSHIRE].seen_at) == (NOW, None)
    assert (status[STOKE].stopped_at, status[SHROPSHIRE].stopped_at) == (None, NOW)
    agencies = listed(book)
    assert (agencies[STOKE].seen_at, agencies[SHROPSHIRE].seen_at) == (NOW, None)


def test_what_was_put_off_is_counted_by_channel_and_reason(book: Book) -> None:
    delivered(book, channel="queue", next_attempt_at=NOW, deferred_because="busy")
    delivered(book, channel="queue", next_attempt_at=None, deferred_because="busy")
    delivered(book, channel="queue", next_attempt_at=NOW, deferred_because=None)
    busy = {"deferred_because": "busy", "next_attempt_at": NOW}
    delivered(book, channel="queue", state="collected", **busy)
    assert book.ledger.monitoring.deferred() == {("queue", "busy"): 1}


def test_nothing_is_claimable_while_delivery_is_suspended(book: Book) -> None:
    delivered(book)
    delivered(book, next_attempt_at=NOW + MOMENT)
    work = book.ledger.monitoring.open_work(now=NOW)[STOKE]
    assert (work.parked, work.oldest_claimable_at) == (1, NOW)
    book.ledger.operator_actions.suspend_agency(STOKE, by_ops(NOW))
    assert book.ledger.monitoring.open_work(now=NOW)[STOKE].oldest_claimable_at is None


def test_the_log_lines_that_workers_lost_are_counted(book: Book) -> None:
    assert book.ledger.monitoring.lines_lost() == 0
    for process, lines in (("worker", 3), ("gateway", 4)):
        book.do("insert into lines_lost (process, lines) values (%s, %s)", process, lines)
    assert book.ledger.monitoring.lines_lost() == 3


@pytest.mark.parametrize(
    ("columns", "is_missed"),
    [
        ({}, True),
        ({"acknowledge_by": NOW}, False),
        ({"acknowledged_at": NOW - HOUR, "state": "collected"}, False),
        ({"acknowledged_at": NOW, "state": "decided", "decided_at": NOW}, True),
        ({"state": "returned", "returned_at": NOW - 2 * HOUR}, False),
        ({"paused_at": NOW - 2 * HOUR, "standing": ["acknowledge"]}, False),
    ],
)
def test_a_cause_is_that_of_a_deadline_that_was_missed(
    book: Book, columns: dict[str, Any], *, is_missed: bool
) -> None:
    id_ = delivered(book, **{"acknowledge_by": NOW - HOUR, **columns})
    delivered(book, SHROPSHIRE, acknowledge_by=NOW - HOUR)
    cause = book.ledger.monitoring.breach_cause
    assert (cause(id_, "acknowledge", now=NOW) is not None) is is_missed
    assert cause(id_, "decide", now=NOW) is None
