-- The public keys to which agencies' copies in queues are encrypted. Nothing can be read with them.
create table encryption_key (
    id text primary key,
    organisation text not null,
    public_key text not null,
    created_at timestamptz not null,
    revoked_at timestamptz
);
create index encryption_key_organisation on encryption_key (organisation);
