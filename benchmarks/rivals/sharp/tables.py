"""Its two tables and its statements, by psycopg."""

from __future__ import annotations

TABLES = """
create table referral (
    id uuid primary key,
    reference text not null unique,
    body jsonb not null,
    state text not null default 'accepted',
    accepted_at timestamptz not null default now(),
    routed_at timestamptz
);
create table delivery (
    id uuid primary key,
    referral uuid not null references referral,
    agency text not null,
    state text not null default 'sent',
    outcome text,
    answered_at timestamptz
);
create index on delivery (referral);
create index on delivery (agency) where state = 'sent';
"""
INSERT_REFERRAL = "insert into referral (id, reference, body) values (%s, %s, %s)"
CLAIM = "select reference, body from referral where id = %s and state = 'accepted' for update"
SETTLE = "update referral set state = %s, routed_at = now() where id = %s"
INSERT_DELIVERIES = """
insert into delivery (id, referral, agency)
select id, %s, agency from unnest(%s::uuid[], %s::text[]) as row (id, agency)
"""
ANSWER = """
update delivery set state = 'answered', outcome = %s, answered_at = now()
where id = %s and state = 'sent' returning id
"""
