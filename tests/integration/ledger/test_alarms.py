"""An escalation climbs while its subject is late, and no further once it is not."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from broker.domain.states import DeliveryState
from tests.integration.ledger.conftest import NOW, SHROPSHIRE, STOKE, Book

HOUR = timedelta(hours=1)
ESCALATE = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, next_step_at)
select gen_random_uuid(), 'ladder', 'v1', %s, referral, id, agency, %s, %s, %s
from delivery where agency = %s
"""
FORCE = """
update delivery
set state = %(state)s, next_attempt_at = null,
    lease_until = case when %(state)s = 'leased' then %(now)s::timestamptz end,
    hand_over_at = %(now)s,
    undeliverable_at = case %(state)s when 'undeliverable' then %(now)s::timestamptz end,
    returned_at = case when %(state)s in ('returned', 'handed_over') then %(now)s::timestamptz end,
    decided_at = case %(state)s when 'decided' then %(now)s::timestamptz end
"""
OVER = {DeliveryState.DECIDED, DeliveryState.RECALLED, DeliveryState.HANDED_OVER}


def escalate(book: Book, *milestones: str, agency: str = SHROPSHIRE) -> None:
    for milestone in milestones:
        book.do(ESCALATE, milestone, NOW, NOW, NOW, agency)


def due(book: Book, now: Any = NOW, limit: int = 9) -> dict[str, bool]:
    """Return which steps are due, by milestone, and whether each is met."""
    with book.ledger.alarms.claim_steps(limit, now=now) as batch:
        return {step.milestone: step.is_met for step in batch.steps}


@pytest.mark.parametrize("state", DeliveryState)
def test_what_has_ended_is_escalated_no_further(book: Book, state: DeliveryState) -> None:
    book.routed_to(SHROPSHIRE)
    with psycopg.connect(book.dsn) as connection:
        connection.execute(FORCE.encode(), {"state": str(state), "now": NOW})
    escalate(book, "acknowledge")
    assert due(book) == {"acknowledge": state in OVER}


@pytest.mark.parametrize("milestone", ["collect", "acknowledge", "decide"])
def test_a_milestone_that_is_met_ends_its_own_escalation_alone(book: Book, milestone: str) -> None:
    book.routed_to(SHROPSHIRE)
    column = {"collect": "collected_at", "acknowledge": "acknowledged_at"}.get(
        milestone, "decided_at"
    )
    book.do(f"update delivery set {column} = %s", NOW)
    escalate(book, "collect", "acknowledge", "decide")
    assert due(book) == {name: name == milestone for name in ("collect", "acknowledge", "decide")}


def test_what_another_delivery_replaces_is_escalated_no_further(book: Book) -> None:
    book.routed_to(STOKE)
    book.routed_to(SHROPSHIRE)
    escalate(book, "acknowledge", agency=STOKE)
    escalate(book, "decide")
    book.do(
        "update delivery set replaces = (select id from delivery where agency = %s)"
        " where agency = %s",
        STOKE,
        SHROPSHIRE,
    )
    assert due(book) == {"acknowledge": True, "decide": False}


def test_the_steps_that_are_due_longest_come_first(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    escalate(book, "collect", "acknowledge", "decide")
    for hours, milestone in enumerate(("decide", "acknowledge", "collect")):
        book.do(
            "update escalation set next_step_at = %s where milestone = %s",
            NOW + hours * HOUR,
            milestone,
        )
    assert due(book, NOW - timedelta(microseconds=1)) == {}
    assert [*due(book)] == ["decide"]
    assert {*due(book, NOW + 2 * HOUR, limit=2)} == {"acknowledge", "decide"}
    book.do("update escalation set state = 'ended', ended_at = now(), ended_because = 'met'")
    assert due(book, NOW + 2 * HOUR) == {}
