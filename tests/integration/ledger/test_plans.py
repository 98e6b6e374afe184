"""Work that waits is found through its index: a long history makes nothing slower."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from broker.devstack.engines import Engines, as_application
from broker.flow.outage_notices import KINDS
from broker.ledger import ledger
from broker.ledger.alarms import NOT_OFFERED
from broker.ledger.ledger import Ledger
from broker.ledger.monitoring import SOON
from broker.policy.monitoring.health import VITAL_LANES
from broker.policy.routing.assignments import UNTIL_RELEASED
from tests.integration.ledger.conftest import NOW, POLICE, STOKE, Book, copied, opened

SQL = Path(ledger.__file__).with_name("sql")
FINISHED = """
insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at, closed_at)
select gen_random_uuid(), 'staffordshire-police', 'old-' || n, %(digest)s, 'closed', %(now)s,
       %(now)s, %(now)s
from generate_series(1, 5000) n
"""
ENDED = """
insert into delivery (id, referral, agency, channel, role, policy_row, view, state, available_at,
                      clock_start, acknowledge_by, decided_at)
select gen_random_uuid(), id, agency, 'queue', 'lead', 'r', 'v', 'decided', accepted_at,
       accepted_at, accepted_at, accepted_at
from referral cross join unnest(array['stoke-csc', 'shropshire-csc']) as agency
"""
SENT_ON = """
with back as (
    update delivery
    set state = 'returned', returned_at = decided_at, decided_at = null, sent_on_at = decided_at
    where agency = 'shropshire-csc' and state = 'decided'
    returning id, referral
)
update delivery set replaces = back.id
from back
where delivery.referral = back.referral and delivery.agency = 'stoke-csc'
"""
CLIMBED = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, state, ended_at, ended_because)
select gen_random_uuid(), 'late', (select version from policy limit 1), 'acknowledge', referral,
       id, agency, acknowledge_by, acknowledge_by, 'ended', acknowledge_by, 'met'
from delivery where state = 'decided'
"""
TOLD = """
insert into notice (id, kind, organisation, contact, channel, referral, delivery, escalation, state,
                    created_at, ended_at)
select gen_random_uuid(), 'delivery.breached', organisation, 'duty', 'email', referral, delivery,
       id, 'sent', due_at, due_at
from escalation
"""
ASKING = """
insert into member (id, organisation, name, email, rights, invited_at, invited_by)
values (%(member)s, 'stoke-csc', 'Jo Example', 'jo@example.org', '{answer}', %(now)s, 'x')
"""
ASKED = """
insert into question (id, delivery, at, member, asked_by, topic, text)
select gen_random_uuid(), id, available_at, %(member)s, 'Jo Example', 'other', 'x'
from delivery where agency = 'stoke-csc'
"""
ANSWERED = """
insert into question_answer (question, at, given_by, text)
select id, at, 'Sam Example', 'y' from question
"""
ONE = UUID(int=1)
SUBMITTED = {
    "publishers": [POLICE],
    "references": ["old-5"],
    "keys": ["none"],
}
DAY = timedelta(days=1)
ESCALATIONS = {
    **{"limit": 20, "agency": None, "id": None, "referral": None},
    **{"visible_to": None, "running": True},
}
NOTICES = {"state": None, "referral": None, "limit": 40}
AGENCIES = {
    **{"now": NOW, "within": SOON, "limit": 10, "offset": 0, "show": ""},
    **{"kind": None, "text": "", "codes": None},
}
AT_RISK = {
    **{"now": NOW, "within": SOON, "agency": None, "limit": 25, "everything": False},
    **{"agencies": [STOKE], "usual": [60.0]},
}
CLAIM = {
    **{"limit": 100, "now": NOW, "until": NOW, "actor": "x"},
    **{"lease": ONE, "leases": [ONE] * 100},
}


@pytest.fixture(scope="module")
def history(engines: Engines, migrated: str) -> Iterator[str]:
    """The name of a database with 5,000 finished referrals and a few that wait, to be copied."""
    with copied(engines, migrated) as dsn:
        with opened(dsn) as book, psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(FINISHED.encode(), {"digest": bytes(32), "now": NOW})
            for statement in (ENDED, SENT_ON, CLIMBED, TOLD):
                connection.execute(statement.encode())
            for _ in range(3):
                book.routed_to(STOKE)
            connection.execute("vacuum analyze")
        yield conninfo_to_dict(dsn)["dbname"]


@pytest.fixture
def old(engines: Engines, history: str) -> Iterator[Book]:
    """A ledger of its own for each test, with a long history: a copy takes a tenth of making it."""
    with (
        copied(engines, history) as dsn,
        Ledger.open(as_application(dsn), application_name="tests") as ledger,
    ):
        yield Book(ledger, dsn)


def rows_read(book: Book, name: str, params: dict[str, Any]) -> int:
    """Run a statement and return how many rows of the ledger it looked at, kept or thrown away."""
    (file,) = SQL.glob(f"*/{name}.sql")
    text = file.read_bytes()
    with psycopg.connect(book.dsn) as connection, connection.transaction(force_rollback=True):
        row = connection.execute(b"explain (analyze, format json) " + text, params).fetchone()
    assert row is not None
    plan = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return _read_by(plan[0]["Plan"])


def _read_by(node: dict[str, Any]) -> int:
    below = sum(_read_by(child) for child in node.get("Plans", []))
    if not node["Node Type"].endswith("Scan") or "Relation Name" not in node:
        return below
    thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    return below + int((node["Actual Rows"] + thrown) * node["Actual Loops"])


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("claim_unrouted", {"limit": 200, "since": None, "until": NOW, "ids": None}),
        ("claim_unrouted", {"limit": 1, "since": NOW, "until": NOW, "ids": [ONE]}),
        ("begin_routing", {"ids": [ONE], "now": NOW, "until": NOW}),
        ("leave_routing", {"ids": [ONE], "now": NOW, "until": NOW}),
        ("collect", {"agency": STOKE, **CLAIM}),
        ("claim_pushes", {"channel": "queue", **CLAIM}),
        ("lapse", {"limit": 100, "now": NOW}),
        ("release_held", {"limit": 100, "now": NOW}),
        ("due", {"now": NOW}),
        ("waiting", {"agencies": [STOKE]}),
        ("attention", {"limit": 100, "never": UNTIL_RELEASED}),
        (
            "plan_redirect",
            {
                **{"id": ONE, "receiver": STOKE, "agency": None, "cause": None},
                **{"now": NOW, "by": "x", "per_minute": 60},
            },
        ),
        ("claim_alarms", {"limit": 100, "now": NOW}),
        ("claim_attention", {"limit": 100, "now": NOW}),
        ("claim_steps", {"limit": 100, "now": NOW}),
        ("claim_notices", {**CLAIM, "kinds": None}),
        ("claim_notices", {**CLAIM, "kinds": [*KINDS]}),
        ("beats", {"names": [*VITAL_LANES]}),
        ("reports", {"since": NOW}),
        ("running_outage", {}),
        ("last_activity", {"now": NOW, "hour": NOW, "day": NOW}),
        ("silences", {"limit": 100}),
        (
            "unreferred",
            {"publisher": POLICE, "references": ["old-5", "x"], "occurrences": ["OLD-5", "X"]},
        ),
        (
            "accept",
            {
                **SUBMITTED,
                "ids": [ONE],
                "digests": [bytes(32)],
                "bodies": [b"{}"],
                "accepted": [NOW],
                "actors": ["x"],
                "occurrences": ["21260012"],
            },
        ),
        ("open_work", {"now": NOW, "agency": None}),
        ("burn_down", {"now": NOW, "agency": None}),
        ("risk_counts", {"now": NOW, "within": SOON}),
        ("at_risk", AT_RISK),
        ("breaches", {"now": NOW, "start": NOW - DAY, "limit": 20, "agency": None}),
        ("pipeline_status", {"now": NOW}),
        ("dead_letters", {"agency": None}),
        ("notices", NOTICES),
        ("notices", {**NOTICES, "state": "failed"}),
        ("notices", {**NOTICES, "referral": ONE}),
        ("urgent_work", {"now": NOW, "within": SOON, "agency": None, "limit": 10, "each": 5}),
        ("waiting_counts", {"now": NOW, "never": UNTIL_RELEASED}),
        ("agencies", AGENCIES),
        ("agencies", {**AGENCIES, "text": "stoke", "codes": [STOKE], "show": "late"}),
        ("proof", {"since": NOW}),
        ("linked", {"referral": ONE, "limit": 50}),
        ("reopen_escalations", {"limit": 100, "now": NOW}),
        ("escalations", ESCALATIONS),
        ("escalations", {**ESCALATIONS, "id": ONE}),
        ("escalations", {**ESCALATIONS, "referral": ONE}),
        ("organisation_status", {}),
        ("referral_states", {}),
        ("recent_kinds", {"limit": 50}),
        ("holders", {**SUBMITTED, "places": [0], "digests": [bytes(32)]}),
        ("referral_by_reference", {"id": None, "reference": "old-5", "publisher": POLICE}),
    ],
)
def test_it_reads_what_waits_and_not_the_history(
    old: Book, name: str, params: dict[str, Any]
) -> None:
    assert rows_read(old, name, params) < 100


def test_a_notice_that_failed_reads_the_others_of_its_escalation_alone(old: Book) -> None:
    old.do(
        "insert into escalation (id, ladder, policy_version, milestone, organisation, due_at,"
        " began_at, step, next_step_at)"
        " select %s, 'urgent', version, 'silence', %s, %s, %s, 1, %s from policy limit 1",
        *(ONE, STOKE, NOW, NOW, NOW + DAY),
    )
    old.do(
        "insert into notice (id, kind, organisation, contact, channel, escalation, data, state,"
        " lease, lease_until, created_at) values (%s, 'organisation.escalated', %s, 'duty',"
        " 'email', %s, '{\"step\": 1}', 'sending', %s, %s, %s)",
        *(ONE, STOKE, ONE, ONE, NOW, NOW),
    )
    failed = {"ids": [ONE], "states": ["failed"], "next": [None], "codes": ["refused"]}
    assert (
        rows_read(
            old, "settle_notices", {**failed, "lease": ONE, "now": NOW, "not_offered": NOT_OFFERED}
        )
        < 100
    )


def test_questions_are_closed_without_a_look_at_those_of_other_referrals(old: Book) -> None:
    with psycopg.connect(old.dsn, autocommit=True) as connection:
        for statement in (ASKING, ASKED, ANSWERED):
            connection.execute(statement.encode(), {"member": ONE, "now": NOW})
        connection.execute("vacuum analyze")
    referrals = [id_ for (id_,) in old.look("select id from referral limit 30")]
    params = {"referrals": referrals, "now": NOW, "actor": "x"}
    assert rows_read(old, "close_questions", params) < 500


def test_a_feed_that_is_up_to_date_reads_no_hidden_event_again(old: Book) -> None:
    cursor = _end_of_feed(old)
    with psycopg.connect(old.dsn) as connection:
        connection.execute(
            b"insert into event (at, kind, publisher, referral, actor)"
            b" select %s, 'delivery.deferred', publisher, id, 'x' from referral limit 5000",
            [NOW],
        )
    old.ledger.queries.number_events()
    epoch, last = cursor.split("-")
    params = {"publisher": POLICE, "epoch": epoch, "last": int(last), "limit": 100}
    assert rows_read(old, "feed", params) < 100


@pytest.mark.parametrize(
    ("name", "params", "most"),
    [
        # Of a queue of any length a hundred rows are read.
        ("last_activity", {"now": NOW, "hour": NOW, "day": NOW}, 400),
        # What is collected is no push that is tried again.
        ("pipeline_status", {"now": NOW}, 100),
    ],
)
def test_a_measurement_costs_the_same_however_much_waits(
    book: Book, name: str, params: dict[str, Any], most: int
) -> None:
    book.routed_to(STOKE)
    with psycopg.connect(book.dsn, autocommit=True) as connection:
        connection.execute(
            "insert into delivery (id, referral, agency, channel, role, policy_row, view, state,"
            " available_at, clock_start, acknowledge_by)"
            " select gen_random_uuid(), referral, agency, channel, role, policy_row, view, state,"
            " available_at, clock_start, acknowledge_by + n * interval '1 second'"
            " from delivery cross join generate_series(1, 20000) n"
        )
        connection.execute("vacuum analyze")
    assert rows_read(book, name, params) < most


def _end_of_feed(book: Book) -> str:
    events, cursor = book.ledger.queries.feed(POLICE, after="", limit=1000)
    while events:
        events, cursor = book.ledger.queries.feed(POLICE, after=cursor, limit=1000)
    return cursor


def test_the_numbers_of_rows_are_counted(old: Book) -> None:
    """The measure itself can fail: a question about the whole history reads the whole history."""
    params: dict[str, datetime | int] = {"limit": 100_000, "now": NOW}
    with psycopg.connect(old.dsn) as connection:
        connection.execute("update delivery set state = 'held' where state = 'decided'")
    assert rows_read(old, "release_held", params) > 7_000
