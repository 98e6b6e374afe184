"""Rows for pictures: a referral on a bad night, and as much other work as a test asks for."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from tests.browser.conftest import NOW

FORCE = "staffordshire-police"
STEPS = ("collect", "acknowledge", "decide")
BULK = """
with agencies as (
    select array_agg(code order by code) as codes from organisation where kind <> 'ops'
),
made as (
    insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at, grade,
                          effective_grade, policy_version)
    select gen_random_uuid(), 'staffordshire-police', 'BULK/' || gen_random_uuid(),
           decode(repeat('00', 32), 'hex'), 'routed', %(now)s - make_interval(mins => n %% 2000),
           %(now)s - make_interval(mins => n %% 2000), g, g, (select version from policy limit 1)
    from generate_series(1, %(count)s) n
    cross join lateral (select (array['immediate', 'very_high', 'high', 'medium'])[1 + n %% 4] as g)
        graded
    returning id, accepted_at, effective_grade
),
numbered as (select *, row_number() over (order by id) as n from made),
delivered as (
    insert into delivery (id, referral, agency, channel, role, policy_row, view, state,
                          available_at, clock_start, acknowledge_by, decide_by, attempt)
    select gen_random_uuid(), id, codes[1 + (n * 7) %% array_length(codes, 1)], 'mailbox', 'lead',
           'social-care', 'social-care', 'available', accepted_at, accepted_at,
           %(now)s + make_interval(mins => ((n * 37) %% 1500)::int - (n %% 3 * n %% 50)::int),
           %(now)s + interval '3 days', 1
    from numbered cross join agencies
    returning id
)
insert into delivery_reason (delivery, scope, explanation)
select id, '{"children": [], "persons": []}', '{"sentence": "A child lives there.",
        "because": [], "deadlines": []}' from delivered
"""


def fill(dsn: str, deliveries: int) -> None:
    """Make so many open deliveries, some of them late, most due within the next day."""
    with psycopg.connect(dsn) as connection:
        connection.execute(BULK.encode(), {"now": NOW, "count": deliveries})


def referral(dsn: str, deliveries: int = 6) -> UUID:
    """Make a referral with so many deliveries: late, decided, paused, waiting, held and returned,
    with corrections and alerts; return its id."""
    with psycopg.connect(dsn) as connection:
        policy, agencies = _known(connection)
        id_, accepted_at = uuid4(), NOW - timedelta(hours=5, minutes=12)
        _insert(
            connection,
            "referral",
            {
                **{"id": id_, "publisher": FORCE, "reference": f"STF/{id_}"},
                **{"digest": bytes(32), "state": "routed", "accepted_at": accepted_at},
                **{"routed_at": accepted_at, "grade": "immediate", "effective_grade": "immediate"},
                **{"policy_version": policy, "version": 2},
            },
        )
        corrected_at = accepted_at + timedelta(minutes=89)
        _insert(
            connection,
            "correction",
            {
                **{"referral": id_, "version": 2, "digest": bytes(32), "actor": "key:police"},
                "accepted_at": corrected_at,
            },
        )
        for number in range(deliveries):
            made = _MAKERS[number % len(_MAKERS)](accepted_at)
            agency = agencies[number % len(agencies)]
            _deliver(connection, id_, agency, accepted_at, made)
        return id_


def _known(connection: psycopg.Connection[Any]) -> tuple[str, list[str]]:
    (policy,) = connection.execute("select version from policy limit 1").fetchone() or ("",)
    codes = connection.execute(
        "select code from organisation where kind not in ('ops', 'police') order by code"
    ).fetchall()
    return policy, [code for (code,) in codes]


def _insert(connection: psycopg.Connection[Any], table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    connection.execute(f"insert into {table} ({names}) values ({values})".encode(), row)


def _deliver(
    connection: psycopg.Connection[Any],
    referral: UUID,
    agency: str,
    accepted_at: datetime,
    made: dict[str, Any],
) -> None:
    alerts, pause = made.pop("alerts", ()), made.pop("pause", None)
    id_ = uuid4()
    row = {
        **{"id": id_, "referral": referral, "agency": agency, "channel": "mailbox"},
        **{"role": "copy", "policy_row": "social-care", "view": "social-care", "attempt": 1},
        **{"available_at": accepted_at, "clock_start": accepted_at},
        **made,
    }
    _insert(connection, "delivery", row)
    connection.execute(
        "insert into delivery_reason (delivery, scope, explanation) values (%s, %s, %s)",
        [id_, '{"children": [], "persons": []}', '{"sentence": "A child lives there."}'],
    )
    _insert(
        connection,
        "event",
        {
            **{"at": accepted_at, "kind": "delivery.available", "publisher": FORCE},
            **{"referral": referral, "delivery": id_, "agency": agency, "actor": "broker"},
        },
    )
    if pause:
        _insert(connection, "pause", {"id": uuid4(), "delivery": id_, **pause})
    if alerts:
        _escalate(connection, row, alerts)


def _escalate(
    connection: psycopg.Connection[Any],
    row: dict[str, Any],
    alerts: tuple[tuple[datetime, str], ...],
) -> None:
    escalation = uuid4()
    _insert(
        connection,
        "escalation",
        {
            **{"id": escalation, "ladder": "usual", "milestone": "acknowledge"},
            **{"policy_version": _known(connection)[0], "referral": row["referral"]},
            **{"delivery": row["id"], "organisation": row["agency"], "step": len(alerts)},
            **{"due_at": row["acknowledge_by"], "began_at": row["acknowledge_by"]},
            "next_step_at": NOW + timedelta(minutes=7),
        },
    )
    for step, (at, state) in enumerate(alerts, 1):
        _insert(
            connection,
            "notice",
            {
                **{"id": uuid4(), "kind": "delivery.escalated", "organisation": row["agency"]},
                **{"contact": "duty", "channel": "email", "referral": row["referral"]},
                **{"delivery": row["id"], "escalation": escalation, "state": state},
                **{"data": f'{{"step": {step}}}', "created_at": at, "ended_at": at},
            },
        )


def _late(start: datetime) -> dict[str, Any]:
    due = start + timedelta(hours=1)
    return {
        **{"state": "collected", "role": "lead", "collected_at": start + timedelta(minutes=50)},
        **{"collect_by": start + timedelta(minutes=15), "acknowledge_by": due},
        "decide_by": start + timedelta(hours=20),
        "alerts": (
            (due + timedelta(seconds=20), "sent"),
            (due + timedelta(minutes=15), "sent"),
            (due + timedelta(minutes=45), "failed"),
        ),
    }


def _decided(start: datetime) -> dict[str, Any]:
    return {
        "state": "decided",
        "collected_at": start + timedelta(minutes=4),
        "acknowledged_at": start + timedelta(minutes=18),
        "decided_at": start + timedelta(minutes=48),
        "acknowledge_by": start + timedelta(hours=1),
        "decide_by": start + timedelta(hours=20),
    }


def _paused(start: datetime) -> dict[str, Any]:
    paused_at = start + timedelta(hours=3)
    return {
        **{"state": "acknowledged", "paused_at": paused_at, "standing": ["decide"]},
        "collected_at": start + timedelta(minutes=10),
        "acknowledged_at": start + timedelta(minutes=160),
        "acknowledge_by": start + timedelta(hours=20),
        "decide_by": start + timedelta(days=5),
        "pause": {
            **{"reason": "information_requested", "paused_at": paused_at},
            "paused_by": "L. Harcourt",
        },
    }


def _waiting(start: datetime) -> dict[str, Any]:
    return {"state": "available", "acknowledge_by": start + timedelta(hours=20)}


def _held(start: datetime) -> dict[str, Any]:
    return {
        "state": "held",
        "available_at": start + timedelta(days=1, hours=12),
        "acknowledge_by": start + timedelta(days=1, hours=20),
    }


def _returned(start: datetime) -> dict[str, Any]:
    return {
        **{"state": "returned", "collected_at": start + timedelta(minutes=3)},
        "returned_at": start + timedelta(minutes=12),
        "acknowledge_by": start + timedelta(hours=1),
        "sent_on_at": start + timedelta(minutes=12),
    }


_MAKERS = (_returned, _late, _decided, _paused, _waiting, _held)
