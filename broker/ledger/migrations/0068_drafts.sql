-- Referrals and corrections that people of a publisher write in the pages for forces without
-- developers, saved until they are sent.

create table draft (
    id uuid primary key,
    publisher text not null references organisation,
    reference text not null check (length(reference) between 1 and 64),
    corrects uuid references referral,
    version int check (version > 0),
    body bytea,
    revision bigint not null default 1 check (revision > 0),
    began_at timestamptz not null,
    began_by uuid not null references member,
    saved_at timestamptz not null,
    saved_by uuid not null references member,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_by uuid references member,
    ended_because text check (ended_because in ('sent', 'deleted', 'expired')),
    referral uuid references referral,
    check ((corrects is null) = (version is null)),
    check ((ended_at is null) = (ended_because is null)),
    check ((body is null) = (ended_at is not null)),
    check ((referral is not null) = (ended_because is not distinct from 'sent'))
);
-- Nobody begins the same thing twice.
create unique index draft_reference on draft (publisher, reference) where ended_at is null;
create index draft_expires on draft (expires_at) where ended_at is null;
create index draft_sent on draft (publisher, ended_at desc)
    where ended_because = 'sent' and corrects is null;

comment on table draft is 'kept without its content after it has ended: who wrote what, and when';
comment on column draft.body is 'the document as far as it is written; gone once the draft has ended';
comment on column draft.corrects is 'the referral that it corrects; null: it is a new one';
comment on column draft.version is 'the version that it corrects';
comment on column draft.revision is 'grows with each save, so that nobody overwrites unseen';
comment on column draft.ended_by is 'null where it expired';
comment on column draft.referral is 'what it became when it was sent';
