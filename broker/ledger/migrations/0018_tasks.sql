-- What a person in ops must settle: tasks that routing names, referrals that were rejected, and
-- bodies that were refused. Each has a deadline, alarms and an escalation of its own.

create table task (
    id uuid primary key default gen_random_uuid(),
    publisher text not null references organisation,
    referral uuid references referral,
    version int check (version > 0),
    reference text,
    digest bytea check (octet_length(digest) = 32),
    code text not null,
    pointer text not null default '',
    message text not null,
    grade text,
    policy_version text not null references policy,
    opened_at timestamptz not null,
    due_at timestamptz not null,
    next_alarm_at timestamptz,
    state text not null default 'open' check (state in ('open', 'settled')),
    settled_at timestamptz,
    settled_by text,
    settled_because text,
    check ((referral is null) = (digest is not null)),
    check ((state = 'settled') = (settled_at is not null)),
    check (state = 'open' or (settled_by is not null and settled_because is not null)),
    check (state = 'open' or next_alarm_at is null)
);
create unique index task_open on task (referral, code, pointer)
    where state = 'open' and referral is not null;
-- The same body again, or another one under its reference, is not a second task.
create unique index task_of_refusal on task (publisher, coalesce(reference, encode(digest, 'hex')))
    where state = 'open' and referral is null;
create index task_by_reference on task (publisher, reference) where referral is null;
create index task_due on task (due_at, id) where state = 'open';
create index task_alarm on task (next_alarm_at, id) where next_alarm_at is not null;

-- From when the clocks count, where that is not acceptance: a corrected referral keeps the first
-- hand-in of the one that was rejected, and one that is judged anew keeps its own.
alter table referral add column clock_from timestamptz;

alter table alarm add column task uuid references task;
alter table alarm alter column referral drop not null;
alter table alarm drop constraint alarm_check;
alter table alarm add constraint alarm_subject
    check (subject = coalesce(task, delivery, referral));

alter table escalation add column task uuid references task;
drop index escalation_once;
create unique index escalation_once
    on escalation (coalesce(task, delivery, referral), milestone, due_at)
    where coalesce(task, delivery, referral) is not null;
drop index escalation_of_silence;
create unique index escalation_of_silence on escalation (organisation, milestone)
    where referral is null and task is null and state <> 'ended';
create index escalation_of_task on escalation (task) where state <> 'ended';

comment on column task.referral is 'null: a body that was refused and not kept, under its digest';
comment on column task.grade is 'the grade by which its deadline is set';
comment on column referral.clock_from is
    'from when its clocks count, where that is not accepted_at: the first hand-in';

-- Who or what is named by more than one referral: keyed hashes of identifiers, never the
-- identifiers, each with the latest referrals in which it occurred.
create table link_mark (
    mark bytea primary key check (octet_length(mark) = 16),
    at timestamptz not null,
    referrals uuid[] not null
);
create index link_mark_by_time on link_mark (at);

create table referral_link (
    referral uuid not null references referral,
    other uuid not null references referral,
    at timestamptz not null,
    primary key (referral, other),
    check (referral <> other)
);

-- Two children whose NHS numbers differ are two children, whatever else they share.
alter table child_mark add column nhs bytea check (octet_length(nhs) = 32);
comment on column child_mark.nhs is 'the mark of the child''s NHS number, where it has one';
