-- Organisations as rows: each has versions of its own, which are never changed. A version counts from
-- its start. The revision of the directory grows with each version that comes into force.

create table organisation_version (
    code text not null references organisation,
    version int not null check (version > 0),
    document jsonb not null check (jsonb_typeof(document) = 'object'),
    starts_at timestamptz not null,
    recorded_at timestamptz not null,
    actor text not null check (length(actor) between 1 and 400),
    reason text not null check (length(reason) between 1 and 500),
    primary key (code, version)
);
create index organisation_version_starts on organisation_version (starts_at)
    where starts_at > recorded_at;
create trigger organisation_version_append_only before update or delete on organisation_version
    for each row execute function refuse_change();
create trigger organisation_version_never_emptied before truncate on organisation_version
    for each statement execute function refuse_change();
comment on table organisation_version is
    'what a directory document would say of an organisation, instead of what the policy says';
comment on column organisation_version.starts_at is
    'from when it counts: later than recorded_at where it was set for a later time';

create table directory_revision (
    revision bigint primary key check (revision > 0),
    code text not null,
    version int not null,
    in_force_at timestamptz not null,
    unique (code, version),
    foreign key (code, version) references organisation_version
);
create index directory_revision_of on directory_revision (code, revision);
create trigger directory_revision_append_only before update or delete on directory_revision
    for each row execute function refuse_change();
create trigger directory_revision_never_emptied before truncate on directory_revision
    for each statement execute function refuse_change();
comment on table directory_revision is 'the order in which versions came into force';

-- Whoever changes the directory, or publishes a policy, holds its one row meanwhile.
create table directory_head (
    is_only boolean primary key default true check (is_only),
    revision bigint not null default 0,
    started_until timestamptz not null default 'epoch'
);
insert into directory_head default values;
comment on column directory_head.revision is 'the last one';
comment on column directory_head.started_until is 'every version that starts earlier is in force';

-- A published policy with a revision of the directory is a version of its own, so that whatever
-- names a policy's version names that of every organisation too.
create table policy_revision (
    version text primary key references policy,
    based_on text not null references policy,
    revision bigint not null check (revision > 0),
    unique (based_on, revision)
);
create trigger policy_revision_append_only before update or delete on policy_revision
    for each row execute function refuse_change();
create trigger policy_revision_never_emptied before truncate on policy_revision
    for each statement execute function refuse_change();
comment on column policy_revision.based_on is 'whose documents it has: those of its own are empty';
