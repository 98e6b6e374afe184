"""The last witness: what stands in the tables at the end, read with SQL of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]
OLD = "OLD/"
"""What the references of a history begin with that was there before a run; it is left out."""

_REFERRALS = """
select id::text, publisher, reference, state, policy_version, accepted_at, routed_at, recalled_at
from referral
where not starts_with(reference, 'OLD/')
"""
_DELIVERIES = """
select id::text, referral::text, agency, kind, channel, state, attempt, replaces::text,
       extract(epoch from collect_by)::float8 as collect_by,
       extract(epoch from acknowledge_by)::float8 as acknowledge_by,
       extract(epoch from decide_by)::float8 as decide_by,
       extract(epoch from collected_at)::float8 as collected_at,
       extract(epoch from acknowledged_at)::float8 as acknowledged_at,
       extract(epoch from decided_at)::float8 as decided_at,
       extract(epoch from now() - greatest(available_at, least(collect_by, acknowledge_by)))::float8
           as age
from delivery
where exists (select from referral
              where referral.id = delivery.referral and not starts_with(reference, 'OLD/'))
"""
_ANSWERS = "select delivery::text, stage, outcome, reason from answer order by number"
_EVENTS = """
select event.id, feed.number, kind, event.publisher, referral::text, delivery::text, data
from event
left join feed on feed.event = event.id
order by event.id
"""
_POLICIES = "select version, published_at from policy"
_NOTICES = "select id::text, channel, state from notice"
_OPEN = """
select 'referral ' || id || ' is accepted and not routed' as what
from referral
where state = 'accepted'
union all
select 'delivery ' || id || ' of ' || agency || ' is ' || state
from delivery
where state in ('available', 'leased') and (channel = 'mailbox' or %(queues)s)
limit 20
"""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every row that the invariants speak of."""

    referrals: list[Row]
    deliveries: list[Row]
    answers: list[Row]
    events: list[Row]
    policies: list[Row]
    notices: list[Row]


def read(url: str) -> Ledger:
    """Return what the ledger holds.

    What was written after the last reading of a feed is numbered first, as the next reading would.
    """
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("select number_events()")
    with psycopg.connect(url, row_factory=dict_row) as session:
        return Ledger(
            *(
                session.execute(question.encode()).fetchall()
                for question in (_REFERRALS, _DELIVERIES, _ANSWERS, _EVENTS, _POLICIES, _NOTICES)
            )
        )


def unfinished(url: str, *, queues: bool) -> list[str]:
    """Return some of what a worker or an agency still has to do; queue agencies' only if asked."""
    with psycopg.connect(url, connect_timeout=5) as session:
        return [what for (what,) in session.execute(_OPEN.encode(), {"queues": queues})]
