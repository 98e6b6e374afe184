-- Proof of origin in the agencies' queues. Only public keys are here: nothing in these tables can
-- sign a copy or a receipt.

-- The keys with which the broker signs copies; GET /v1/keys publishes those that are not retired.
create table signing_key (
    id text primary key,
    public_key bytea not null check (length(public_key) = 32),
    created_at timestamptz not null,
    retired_at timestamptz
);

-- The keys with which agencies sign receipts.
create table agency_key (
    id text primary key,
    organisation text not null,
    public_key bytea not null check (length(public_key) = 32),
    created_at timestamptz not null,
    revoked_at timestamptz
);
create index agency_key_organisation on agency_key (organisation);

-- Messages of receipts that were taken, so that none is taken twice; old ones are deleted.
create table receipt_message (
    key text not null,
    id text not null,
    signed_at timestamptz not null,
    primary key (key, id)
);
create index receipt_message_signed_at on receipt_message (signed_at);

-- When the queue of receipts was last seen empty: a message that waited there since is not late.
create table receipts_drained (
    single boolean primary key default true check (single),
    at timestamptz not null
);
