-- Versions: a correction is a further version of a referral, a recall ends them all. What was
-- handed in first stays as it is; each delivery says which version it carries, and why it is there.

alter table referral_content
    add column version int not null default 1 check (version > 0),
    drop constraint referral_content_pkey,
    add primary key (referral, version);

-- Versions from the second on; of the first one the referral itself says all this.
create table correction (
    referral uuid not null references referral,
    version int not null check (version > 1),
    digest bytea not null check (octet_length(digest) = 32),
    idempotency_key text,
    accepted_at timestamptz not null,
    actor text not null,
    primary key (referral, version)
);
create unique index correction_idempotency_key on correction (referral, idempotency_key)
    where idempotency_key is not null;
create trigger correction_append_only before update or delete on correction
    for each row execute function refuse_change();
create trigger correction_never_emptied before truncate on correction
    for each statement execute function refuse_change();

alter table referral
    add column version int not null default 1 check (version > 0),
    add column recalled_at timestamptz,
    add column recall_reason text,
    add column recalled_by text,
    add constraint recalled_with_reason check ((recalled_at is null) = (recall_reason is null)
                                               and (recalled_at is null) = (recalled_by is null));

-- One that was recalled before it was routed keeps its reference, unlike a rejected one.
drop index referral_reference;
create unique index referral_reference on referral (publisher, reference)
    where state <> 'rejected'
      and not (state = 'closed' and routed_at is null and recalled_at is null);

alter table delivery
    add column version int not null default 1 check (version > 0),
    add column kind text not null default 'referral'
        check (kind in ('referral', 'correction', 'recall')),
    add column follows uuid references delivery,
    add column policy_version text references policy,
    add constraint follows_an_earlier_one check ((kind = 'referral') = (follows is null));

-- Who has acknowledged a correction has nothing left to do with it.
drop index delivery_unfinished;
create index delivery_unfinished on delivery (agency, state)
    where state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'undeliverable')
      and not (kind = 'correction' and state = 'acknowledged');

comment on column referral.version is 'the latest one; it is due for routing until it was routed';
comment on column referral.digest is
    'SHA-256 of the canonical form of the document as handed in first; see correction';
comment on column delivery.version is 'which content it carries';
comment on column delivery.follows is 'what the agency had before, which this corrects or recalls';
comment on column delivery.policy_version is
    'under which its view is rendered; null: the referral''s, as it was before there were versions';
