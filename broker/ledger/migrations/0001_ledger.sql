-- The ledger: the truth about every referral, and the queue of record of every agency.
-- Hot rows are narrow and what waits has a partial index, so that a claim costs the same however
-- long the history is. Content stands apart, is written once and is never updated.

create table organisation (
    code text primary key check (code ~ '^[a-z][a-z0-9-]{0,63}$'),
    name text not null,
    kind text not null,
    channel text not null
);

create table credential (
    id text primary key check (id ~ '^[a-z0-9]{8,32}$'),
    organisation text not null references organisation,
    scopes text[] not null check (scopes <@ array['publish', 'collect', 'ops'] and scopes <> '{}'),
    secret_sha256 bytea not null check (octet_length(secret_sha256) = 32),
    label text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

create table policy (
    version text primary key,
    sha256 bytea not null check (octet_length(sha256) = 32),
    documents jsonb not null,
    published_at timestamptz not null
);

create table referral (
    id uuid primary key,
    publisher text not null references organisation,
    reference text not null,
    idempotency_key text,
    digest bytea not null check (octet_length(digest) = 32),
    state text not null default 'accepted'
        check (state in ('accepted', 'routed', 'rejected', 'unroutable', 'closed')),
    accepted_at timestamptz not null,
    routed_at timestamptz,
    closed_at timestamptz,
    attempt int not null default 0,
    next_attempt_at timestamptz,
    grade text,
    effective_grade text,
    first_known_at timestamptz,
    policy_version text references policy,
    directory_version text,
    reason text,
    attend_by timestamptz,
    replaces uuid references referral,
    check (state <> 'routed' or routed_at is not null),
    check (state <> 'closed' or closed_at is not null),
    check (state <> 'unroutable' or (reason is not null and attend_by is not null))
) with (fillfactor = 80);

-- A corrected referral may take the reference of a rejected one, and of nothing else.
create unique index referral_reference on referral (publisher, reference)
    where state <> 'rejected' and not (state = 'closed' and routed_at is null);
create index referral_by_reference on referral (reference, publisher);
create unique index referral_idempotency_key on referral (publisher, idempotency_key)
    where idempotency_key is not null;
create index referral_unrouted on referral (next_attempt_at, id)
    where next_attempt_at is not null;
create index referral_attention on referral (attend_by, id) where state = 'unroutable';

create table referral_content (
    referral uuid primary key references referral,
    body bytea not null check (octet_length(body) <= 262144)
);

create table referral_finding (
    referral uuid primary key references referral,
    faults jsonb not null default '[]',
    defects jsonb not null default '[]',
    warnings jsonb not null default '[]',
    areas jsonb not null default '{}'
);

create table delivery (
    id uuid primary key,
    referral uuid not null references referral,
    agency text not null references organisation,
    channel text not null,
    role text not null check (role in ('lead', 'copy')),
    policy_row text not null,
    view text not null,
    state text not null check (state in ('held', 'available', 'leased', 'collected', 'acknowledged',
                                         'decided', 'returned', 'undeliverable', 'recalled')),
    attempt int not null default 0,
    lease uuid,
    lease_until timestamptz,
    available_at timestamptz not null,
    next_attempt_at timestamptz,
    clock_start timestamptz not null,
    collect_by timestamptz,
    acknowledge_by timestamptz,
    decide_by timestamptz,
    next_alarm_at timestamptz,
    refused_because text,
    collected_at timestamptz,
    acknowledged_at timestamptz,
    decided_at timestamptz,
    returned_at timestamptz,
    replaces uuid unique references delivery,
    check ((state = 'leased') = (lease_until is not null)),
    check (state <> 'decided' or decided_at is not null),
    check (state <> 'returned' or returned_at is not null)
) with (fillfactor = 70);

create index delivery_of_referral on delivery (referral);
create index delivery_queue on delivery (agency, acknowledge_by nulls last, id)
    where state = 'available';
create index delivery_push on delivery (channel, next_attempt_at, id)
    where state = 'available' and channel <> 'mailbox';
create index delivery_lease on delivery (lease_until) where state = 'leased';
create index delivery_held on delivery (available_at) where state = 'held';
create index delivery_unfinished on delivery (agency, state)
    where state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'undeliverable');

create index delivery_attention on delivery (available_at) where state in ('undeliverable', 'returned');

create table delivery_reason (
    delivery uuid primary key references delivery,
    scope jsonb not null,
    explanation jsonb not null
);

-- One answer a stage: the first counts, the same again changes nothing, another one is a conflict.
create table answer (
    delivery uuid not null references delivery,
    stage text not null check (stage in ('collected', 'acknowledged', 'decided', 'returned')),
    at timestamptz not null,
    given_by text not null,
    outcome text,
    reason text,
    note text,
    area text,
    primary key (delivery, stage)
);

-- Who did what, when, in order: codes and ids only. The transaction id lets a reader stop below the
-- oldest transaction that still runs, so that no event is skipped when they commit out of order.
create table event (
    id bigint generated always as identity primary key,
    transaction xid8 not null default pg_current_xact_id(),
    at timestamptz not null,
    kind text not null check (kind ~ '^(referral|delivery)\.[a-z_]+$'),
    publisher text not null,
    referral uuid not null,
    delivery uuid,
    agency text,
    actor text not null,
    data jsonb not null default '{}'
);

-- How an agency is reached is not its publisher's business.
create index event_feed on event (publisher, transaction, id)
    where kind not in ('delivery.leased', 'delivery.lapsed', 'delivery.deferred', 'delivery.sent');
create index event_timeline on event (referral, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger event_append_only before update or delete on event
    for each row execute function refuse_change();
create trigger event_never_emptied before truncate on event
    for each statement execute function refuse_change();
create trigger referral_content_append_only before update or delete on referral_content
    for each row execute function refuse_change();
create trigger referral_content_never_emptied before truncate on referral_content
    for each statement execute function refuse_change();

create table refusal (
    id bigint generated always as identity primary key,
    publisher text not null references organisation,
    digest bytea not null check (octet_length(digest) = 32),
    size int not null,
    reason text not null,
    at timestamptz not null
);

create table lead (
    name text primary key,
    holder text not null,
    until timestamptz not null
);

comment on column referral.digest is 'SHA-256 of the canonical form of the document';
comment on column referral.attend_by is 'when somebody must have seen to an unroutable referral';
comment on column delivery.next_attempt_at is 'a push that failed is due again at this time';
comment on column delivery.lease is 'kept after the lease ended, to tell a late receipt';
comment on table refusal is 'bodies that may not be kept: digest, size and reason only';
comment on table lead is 'which process leads the sweep, by a lease';
comment on column delivery.refused_because is 'a code: why its channel refuses it for good';
