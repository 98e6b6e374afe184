-- Alarms, escalation and notices: what happens while nobody answers.
-- When a deadline's next alarm is due stands in the row itself, so that the watch reads what is due
-- and nothing else.

create index delivery_alarm on delivery (next_alarm_at, id) where next_alarm_at is not null;
alter table delivery add column paused_at timestamptz;
alter table referral add column next_alarm_at timestamptz;
create index referral_alarm on referral (next_alarm_at, id) where next_alarm_at is not null;

-- Some events are about an organisation and about no referral: silence, a list that was compared.
alter table event alter column referral drop not null;
alter table event alter column publisher drop not null;
alter table event drop constraint event_kind_check;
alter table event add constraint event_kind_check
    check (kind ~ '^(referral|delivery|organisation)\.[a-z_]+$');
alter table event add constraint event_is_about_something
    check ((referral is null) = (kind like 'organisation.%')
           and (referral is null or publisher is not null));

-- Each alarm that rang, once for each planned instant, however many workers looked.
create table alarm (
    subject uuid not null,
    milestone text not null check (milestone in ('collect', 'acknowledge', 'decide', 'attend')),
    percent int not null check (percent between 1 and 100),
    planned_at timestamptz not null,
    due_at timestamptz not null,
    fired_at timestamptz not null,
    referral uuid not null references referral,
    delivery uuid references delivery,
    primary key (subject, milestone, percent, planned_at),
    check (subject = coalesce(delivery, referral))
);
create index alarm_by_time on alarm (fired_at);

-- A ladder that is being climbed: one for each breach, until a person says that they see to it.
create table escalation (
    id uuid primary key,
    ladder text not null,
    policy_version text not null references policy,
    milestone text not null
        check (milestone in ('collect', 'acknowledge', 'decide', 'attend', 'silence')),
    referral uuid references referral,
    delivery uuid references delivery,
    organisation text not null references organisation,
    due_at timestamptz not null,
    began_at timestamptz not null,
    state text not null default 'open' check (state in ('open', 'acknowledged', 'ended')),
    step int not null default 0,
    next_step_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    ended_at timestamptz,
    ended_because text,
    check (state <> 'acknowledged' or acknowledged_by is not null),
    check (state <> 'ended' or (ended_at is not null and ended_because is not null))
);
create unique index escalation_once on escalation (coalesce(delivery, referral), milestone, due_at)
    where referral is not null;
create unique index escalation_of_silence on escalation (organisation, milestone)
    where referral is null and state <> 'ended';
create index escalation_due on escalation (next_step_at, id)
    where state = 'open' and next_step_at is not null;
create index escalation_of_referral on escalation (referral);
create index escalation_running on escalation (began_at) where state <> 'ended';
create index escalation_of_delivery on escalation (delivery) where state <> 'ended';

-- What is to be told to somebody. Addresses stay in the directory: a notice names a contact.
create table notice (
    id uuid primary key,
    kind text not null,
    organisation text not null references organisation,
    contact text not null,
    channel text not null check (channel in ('email', 'webhook', 'command')),
    referral uuid references referral,
    delivery uuid references delivery,
    escalation uuid references escalation,
    data jsonb not null default '{}',
    state text not null default 'due' check (state in ('due', 'sending', 'sent', 'failed', 'void')),
    attempt int not null default 0,
    next_attempt_at timestamptz,
    lease uuid,
    lease_until timestamptz,
    code text,
    created_at timestamptz not null,
    ended_at timestamptz,
    check ((state = 'due') = (next_attempt_at is not null)),
    check ((state = 'sending') = (lease_until is not null))
);
create index notice_due on notice (next_attempt_at, id) where state = 'due';
create index notice_lease on notice (lease_until) where state = 'sending';
create index notice_of_referral on notice (referral);
create index notice_failed on notice (ended_at) where state = 'failed';

-- A clock that stood: elapsed time is always counted from these, never kept.
create table pause (
    id uuid primary key,
    delivery uuid not null references delivery,
    reason text not null check (reason in ('information_requested', 'legal_hold')),
    paused_at timestamptz not null,
    paused_by text not null,
    resumed_at timestamptz,
    resumed_by text,
    check (resumed_at >= paused_at)
);
create unique index pause_running on pause (delivery) where resumed_at is null;
create index pause_of_delivery on pause (delivery);

comment on column delivery.paused_at is 'since when its pausable clocks stand; null while they run';
comment on column alarm.planned_at is 'a deadline that moves has other instants, and rings anew';
comment on column notice.contact is 'a contact of the organisation in the directory, such as duty';
