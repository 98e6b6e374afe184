-- The inbox of agencies whose people answer without software of their own: who may sign in for an
-- organisation, what they looked at, and who deals with what.

-- People of organisations. They are never deleted: the history names them.
create table member (
    id uuid primary key,
    organisation text not null references organisation,
    name text not null check (length(name) between 1 and 100),
    email text not null check (length(email) between 3 and 254),
    rights text[] not null
        check (rights <@ array['read', 'answer', 'publish', 'administer'] and rights <> '{}'),
    invited_at timestamptz not null,
    invited_by text not null,
    joined_at timestamptz,
    disabled_at timestamptz,
    cover uuid references member,
    gets_mail boolean not null default true,
    links int not null default 0,
    links_since timestamptz
);
-- Deliveries of which the agency's people were told by email that they are there.
create table announced (
    delivery uuid primary key references delivery,
    at timestamptz not null
);
create unique index member_email on member (organisation, lower(email));
create index member_address on member (lower(email));

create table member_link (
    secret_sha256 bytea primary key check (octet_length(secret_sha256) = 32),
    member uuid not null references member,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index member_link_of on member_link (member) where used_at is null;

create table member_session (
    secret_sha256 bytea primary key check (octet_length(secret_sha256) = 32),
    member uuid not null references member,
    began_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index member_session_of on member_session (member) where ended_at is null;

-- Each time somebody saw the content of a delivery in the inbox.
create table look (
    id uuid primary key,
    at timestamptz not null,
    organisation text not null references organisation,
    member uuid not null references member,
    delivery uuid not null references delivery,
    kind text not null check (kind in ('opened', 'printed'))
);
create index look_of_delivery on look (delivery, at);
create index look_of_organisation on look (organisation, at);
create trigger look_append_only before update or delete on look
    for each row execute function refuse_change();
create trigger look_never_emptied before truncate on look
    for each statement execute function refuse_change();

-- Who of an agency deals with a delivery: the newest row stands.
create table handler (
    id uuid primary key,
    delivery uuid not null references delivery,
    at timestamptz not null,
    member uuid not null references member,
    given_by uuid not null references member
);
create index handler_of_delivery on handler (delivery, id);
create trigger handler_append_only before update or delete on handler
    for each row execute function refuse_change();
create trigger handler_never_emptied before truncate on handler
    for each statement execute function refuse_change();

comment on column member.invited_by is 'a member of the organisation, or a person of ops';
comment on column member.joined_at is 'when they first signed in; null: only invited';
comment on column member.cover is 'who looks after what they deal with while they are away';
comment on column member.gets_mail is 'whether they are told by email of what arrives';
comment on column member.links is 'one-time links since links_since, of which a member gets a few an hour';
comment on column member_session.seen_at is 'it ends when nobody has used it for half an hour';
comment on column handler.given_by is 'who gave it to them: themselves, or a colleague';
