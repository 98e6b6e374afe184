-- The ledger: the truth about every referral, and the queue of record of every agency.
-- Hot rows are narrow, and what waits has a partial index, so that a claim costs the same however
-- long the history is. Content stands apart, is written once and is never updated.

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

-- == Who takes part, and under which rules ==

create table organisation (
    code text primary key check (code ~ '^[a-z][a-z0-9-]{0,63}$'),
    name text not null,
    kind text not null,
    channel text not null
);

-- Which channels there are, and on which the broker sends: written from the registry of channels
-- (broker/channels/registry.py) each time a policy is published, so that a new channel needs no
-- migration. A channel that the registry has dropped stays, because deliveries name it.
create table channel (
    name text primary key,
    is_push boolean not null
);
insert into channel (name, is_push) values ('mailbox', false), ('queue', true);

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
    published_at timestamptz not null,
    calendar_sha256 bytea check (octet_length(calendar_sha256) = 32),
    calendar_ends date
);
comment on column policy.calendar_sha256 is 'of the bank holidays that its deadlines are counted by';
comment on column policy.calendar_ends is 'the last day of that calendar data';

-- == Referrals, their versions and their content ==

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
    next_alarm_at timestamptz,
    version int not null default 1 check (version > 0),
    recalled_at timestamptz,
    recall_reason text,
    recalled_by text,
    occurrence text,
    begun smallint not null default 0,
    clock_from timestamptz,
    profile jsonb,
    check (state <> 'routed' or routed_at is not null),
    check (state <> 'closed' or closed_at is not null),
    check (state <> 'unroutable' or (reason is not null and attend_by is not null)),
    constraint recalled_with_reason check ((recalled_at is null) = (recall_reason is null)
                                           and (recalled_at is null) = (recalled_by is null))
) with (fillfactor = 80);
comment on column referral.digest is
    'SHA-256 of the canonical form of the document as handed in first; see correction';
comment on column referral.attend_by is 'when somebody must have seen to an unroutable referral';
comment on column referral.version is 'the latest one; it is due for routing until it was routed';
comment on column referral.begun is
    'attempts at routing written down beforehand, of which nothing came; more than one means that '
    'whoever tried it died';
comment on column referral.clock_from is
    'from when its clocks count, where that is not accepted_at: the first hand-in';
comment on column referral.profile is
    'unit, number of children born, what is not known of how many of them, local ids of the missing';

-- A corrected referral may take the reference of a rejected one, and of nothing else. One that was
-- recalled before it was routed keeps its reference.
create unique index referral_reference on referral (publisher, reference)
    where state <> 'rejected'
      and not (state = 'closed' and routed_at is null and recalled_at is null);
create index referral_by_reference on referral (reference, publisher);
create unique index referral_idempotency_key on referral (publisher, idempotency_key)
    where idempotency_key is not null;
-- The force's own crime or occurrence reference, in capitals and without blanks.
create index referral_by_occurrence on referral (publisher, occurrence)
    where occurrence is not null;
create index referral_by_time on referral (accepted_at, id);
create index referral_unrouted on referral (next_attempt_at, id) where next_attempt_at is not null;
create index referral_attention on referral (attend_by, id) where state = 'unroutable';
create index referral_alarm on referral (next_alarm_at, id) where next_alarm_at is not null;
-- The grades of what is open are read from here alone.
create index referral_open on referral (id) include (effective_grade)
    where state not in ('closed', 'rejected');

-- A referral stands until it is recalled, or until another document takes its place after a
-- rejection. Whoever writes a delivery asks this of its referral: of one that does not stand
-- nothing but a recall is written, offered or answered.
create function stands(referral referral)
returns boolean language sql immutable parallel safe
return referral.recalled_at is null
       and not (referral.state = 'closed' and referral.routed_at is null);

create table referral_content (
    referral uuid not null references referral,
    body bytea not null check (octet_length(body) <= 262144),
    version int not null default 1 check (version > 0),
    primary key (referral, version)
);
create trigger referral_content_append_only before update or delete on referral_content
    for each row execute function refuse_change();
create trigger referral_content_never_emptied before truncate on referral_content
    for each statement execute function refuse_change();

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

-- What routing found in a referral.
create table referral_finding (
    referral uuid primary key references referral,
    faults jsonb not null default '[]',
    defects jsonb not null default '[]',
    warnings jsonb not null default '[]',
    areas jsonb not null default '{}'
);

-- == Deliveries: each agency's part of a referral ==

create table delivery (
    id uuid primary key,
    referral uuid not null references referral,
    agency text not null references organisation,
    channel text not null,
    role text not null check (role in ('lead', 'copy')),
    policy_row text not null,
    view text not null,
    state text not null,
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
    replaces uuid references delivery,
    paused_at timestamptz,
    version int not null default 1 check (version > 0),
    kind text not null default 'referral' check (kind in ('referral', 'correction', 'recall')),
    follows uuid references delivery,
    policy_version text references policy,
    recalled_at timestamptz,
    standing text[] not null default '{}',
    sent_on_at timestamptz,
    undeliverable_at timestamptz,
    hand_over_at timestamptz,
    stands_in_for text references organisation,
    hold_warned_at timestamptz,
    constraint delivery_state_check
        check (state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'decided',
                         'returned', 'undeliverable', 'recalled', 'handed_over')),
    check ((state = 'leased') = (lease_until is not null)),
    check (state <> 'decided' or decided_at is not null),
    check (state <> 'returned' or returned_at is not null),
    constraint delivery_handed_over check (state <> 'handed_over' or returned_at is not null),
    constraint delivery_undeliverable
        check (state <> 'undeliverable' or undeliverable_at is not null),
    constraint delivery_standing check (paused_at is not null or standing = '{}'),
    constraint follows_an_earlier_one check ((kind = 'referral') = (follows is null))
) with (fillfactor = 70);
comment on column delivery.lease is 'kept after the lease ended, to tell a late receipt';
comment on column delivery.next_attempt_at is 'a push that failed is due again at this time';
comment on column delivery.refused_because is 'a code: why its channel refuses it for good';
comment on column delivery.returned_at is
    'when it left its agency: the agency gave it back, or another team took over';
comment on column delivery.paused_at is 'since when its pausable clocks stand; null while they run';
comment on column delivery.version is 'which content it carries';
comment on column delivery.follows is 'what the agency had before, which this corrects or recalls';
comment on column delivery.policy_version is
    'under which its view is rendered; null: the referral''s, as it was before there were versions';
comment on column delivery.recalled_at is 'when it was taken back; what was due later is not owed';
comment on column delivery.standing is 'the milestones whose clocks stand since paused_at';
comment on column delivery.sent_on_at is 'when what was returned got its successor';
comment on column delivery.undeliverable_at is
    'when its channel refused it for good, the last time that it did';
comment on column delivery.hand_over_at is
    'when it is next looked at whether another team has it from then on; null: never';
comment on column delivery.stands_in_for is
    'the closed office whose part its team out of hours has; the office gets it when it opens';
comment on column delivery.hold_warned_at is
    'when its publisher was last told that an embargo ends, or that one lasts long';

-- Each rule about a delivery that several statements use is defined once. PostgreSQL inlines these
-- functions, so the partial indexes serve.

-- The states in which a delivery still needs somebody; the same as OPEN_DELIVERIES in
-- broker/domain/states.py.
create function is_unfinished(state text)
returns boolean language sql immutable parallel safe
return state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'undeliverable');

-- An acknowledged delivery needs nothing more from its agency where no decision is due. A recall
-- does: that everything is destroyed.
create function is_open(delivery delivery)
returns boolean language sql immutable parallel safe
return is_unfinished(delivery.state)
       and not (delivery.state = 'acknowledged' and delivery.kind <> 'recall'
                and (delivery.kind = 'correction' or delivery.decide_by is null));

-- A channel on which the broker sends by itself; from any other its agencies collect.
create function is_pushed(channel text)
returns boolean language sql stable parallel safe
return coalesce((select known.is_push from channel known where known.name = is_pushed.channel),
                false);

-- When a delivery that is offered from an instant on is pushed; null where the agency collects.
create function push_due_at(channel text, available_at timestamptz)
returns timestamptz language sql stable parallel safe
return case when is_pushed(channel) then available_at end;

-- A delivery that its agency, or its channel, could take now unless delivery to the agency is
-- suspended: it is in the queue, and no retry is being waited for.
create function is_claimable(delivery delivery, at timestamptz)
returns boolean language sql immutable parallel safe
return delivery.state = 'available'
       and (delivery.next_attempt_at is null or delivery.next_attempt_at <= at);

-- A deadline that runs, or that had passed before its clock was stopped; null for one that stands.
create function running(due timestamptz, milestone text, standing text[], paused_at timestamptz)
returns timestamptz language sql immutable parallel safe
return case when not milestone = any(standing) or due < paused_at then due end;

-- The deadline of a milestone that is not met, unless its clock is paused.
create function unmet_deadline(delivery delivery, milestone text)
returns timestamptz language sql immutable parallel safe
return running(case milestone
                   when 'collect' then
                       case when delivery.collected_at is null then delivery.collect_by end
                   when 'acknowledge' then
                       case when delivery.acknowledged_at is null then delivery.acknowledge_by end
                   when 'decide' then
                       case when delivery.decided_at is null then delivery.decide_by end
               end,
               milestone, delivery.standing, delivery.paused_at);

-- The next deadline of an open delivery; one that has passed is still the next one.
create function next_deadline(delivery delivery)
returns timestamptz language sql immutable parallel safe
return least(unmet_deadline(delivery, 'collect'), unmet_deadline(delivery, 'acknowledge'),
             unmet_deadline(delivery, 'decide'));

-- An open delivery is overdue when a deadline has passed; under an embargo none counts yet.
create function is_overdue(delivery delivery, at timestamptz)
returns boolean language sql immutable parallel safe
return delivery.state <> 'held' and next_deadline(delivery) < at;

-- A deadline is owed unless its delivery ends without it before the time (a deadline that comes
-- after a hand-over is its successor's), or its clock stands: then it comes back, moved, when the
-- clock goes on. One that has passed stays owed, unless it is moved.
create function owed(due timestamptz, met_at timestamptz, milestone text, state text,
                     ended_at timestamptz, standing text[], paused_at timestamptz)
returns boolean language sql immutable parallel safe
return due is not null
       and (met_at is not null
            or running(due, milestone, standing, paused_at) is not null
               and (state not in ('returned', 'recalled', 'handed_over') or ended_at is null
                    or ended_at > due));

-- What became of one deadline: the one definition that every report and screen counts by.
-- 'ended' is when the delivery ended without meeting the milestone: it owes nothing after that.
create function deadline_verdict(due timestamptz, met timestamptz, ended timestamptz,
                                 now timestamptz)
returns text language sql immutable parallel safe
return case when due is null then 'without'
            when met <= due then 'in_time'
            when met is not null or ended > due then 'late'
            when ended is not null then 'ended'
            when due < now then 'overdue'
            else 'open' end;

create index delivery_of_referral on delivery (referral);
create index delivery_queue on delivery (agency, acknowledge_by nulls last, id)
    where state = 'available';
-- Only what is pushed has a next attempt, so the index needs no list of channels.
create index delivery_push on delivery (channel, next_attempt_at, id)
    where state = 'available' and next_attempt_at is not null;
create index delivery_lease on delivery (lease_until) where state = 'leased';
create index delivery_held on delivery (available_at) where state = 'held';
create index delivery_hand_over on delivery (hand_over_at, id) where hand_over_at is not null;
create index delivery_alarm on delivery (next_alarm_at, id) where next_alarm_at is not null;
create unique index delivery_replaces on delivery (replaces) where replaces is not null;
-- What is open, in the words of is_open.
create index delivery_unfinished on delivery (agency, state)
    where state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'undeliverable')
      and not (state = 'acknowledged' and kind <> 'recall'
               and (kind = 'correction' or decide_by is null));
create index delivery_attention on delivery ((coalesce(returned_at, undeliverable_at)))
    where state in ('undeliverable', 'returned') and sent_on_at is null;
create index delivery_undelivered_because on delivery (refused_because, agency)
    where state = 'undeliverable';
-- Breaches are found by their deadline, however many there ever were. Those of open deliveries are
-- not in here: every change of one would pay for it, and what is open is looked through instead.
create index delivery_late_to_collect on delivery (collect_by)
    where collected_at > collect_by
       or collected_at is null and state in ('returned', 'recalled', 'handed_over');
create index delivery_late_to_acknowledge on delivery (acknowledge_by)
    where acknowledged_at > acknowledge_by
       or acknowledged_at is null and state in ('returned', 'recalled', 'handed_over');
create index delivery_late_to_decide on delivery (decide_by)
    where decided_at > decide_by
       or decided_at is null and state in ('returned', 'recalled', 'handed_over');

-- Why an agency has its part, and what of it the agency is shown.
create table delivery_reason (
    delivery uuid primary key references delivery,
    scope jsonb not null,
    explanation jsonb not null
);

-- One answer a stage: the first counts, the same again changes nothing, another one is a conflict.
-- A decision may change, and each stays: the one with the highest number stands.
create table answer (
    delivery uuid not null references delivery,
    stage text not null check (stage in ('collected', 'acknowledged', 'decided', 'returned')),
    at timestamptz not null,
    given_by text not null,
    outcome text,
    reason text,
    note text,
    area text,
    number int not null default 1 check (number > 0),
    views_considered text check (views_considered in ('yes', 'no', 'not_applicable')),
    child_told text check (child_told in ('yes', 'no', 'not_yet')),
    primary key (delivery, stage, number),
    check (number = 1 or stage = 'decided'),
    check (stage = 'decided' or (views_considered is null and child_told is null))
);
comment on column answer.number is 'counts the decisions of a delivery; the highest one stands';
comment on column answer.views_considered is 'whether the child''s views were considered';
comment on column answer.child_told is 'whether the child was told what was decided';

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

-- What came back or cannot be delivered, has not gone to anybody else, and may be redirected.
create view may_go_on as
select delivery.id, delivery.referral, delivery.agency, delivery.state, delivery.clock_start,
       coalesce(answer.reason, delivery.refused_because) as cause,
       coalesce(delivery.returned_at, delivery.undeliverable_at) as since,
       least(delivery.acknowledge_by, delivery.decide_by) as due_at,
       delivery.replaces is not null as was_sent_on
from delivery
join referral on referral.id = delivery.referral
left join answer on answer.delivery = delivery.id and answer.stage = 'returned'
where delivery.kind = 'referral' and delivery.state in ('returned', 'undeliverable')
  and delivery.sent_on_at is null and stands(referral.*);

-- == History ==

-- Who did what, when, in order: codes and ids only. The transaction id lets a reader stop below the
-- oldest transaction that still runs, so that no event is skipped when they commit out of order.
-- Some events are about an organisation and about no referral.
create table event (
    id bigint generated always as identity primary key,
    transaction xid8 not null default pg_current_xact_id(),
    at timestamptz not null,
    kind text not null check (kind ~ '^(referral|delivery|organisation)\.[a-z_]+$'),
    publisher text,
    referral uuid,
    delivery uuid,
    agency text,
    actor text not null,
    data jsonb not null default '{}',
    constraint event_is_about_something
        check ((referral is null) = (kind like 'organisation.%')
               and (referral is null or publisher is not null))
);
-- How an agency is reached is not its publisher's business.
create index event_feed on event (publisher, transaction, id)
    where kind not in ('delivery.leased', 'delivery.lapsed', 'delivery.deferred', 'delivery.sent');
create index event_timeline on event (referral, id);
create trigger event_append_only before update or delete on event
    for each row execute function refuse_change();
create trigger event_never_emptied before truncate on event
    for each statement execute function refuse_change();

-- What people did, with their words: events carry codes and ids only.
create table act (
    id uuid primary key,
    at timestamptz not null,
    kind text not null,
    by text not null,
    referral uuid references referral,
    delivery uuid references delivery,
    organisation text references organisation,
    reason text not null check (length(reason) between 1 and 500)
);
comment on table act is 'each act of a person with its reason; the event has the same instant';
create index act_of_referral on act (referral, at) where referral is not null;
create index act_of_organisation on act (organisation, at) where organisation is not null;

create table refusal (
    id bigint generated always as identity primary key,
    publisher text not null references organisation,
    digest bytea not null check (octet_length(digest) = 32),
    size int not null,
    reason text not null,
    at timestamptz not null
);
comment on table refusal is 'bodies that may not be kept: digest, size and reason only';

-- == Tasks, alarms, escalation and notices: what happens while nobody answers ==
-- When a deadline's next alarm is due stands in the row itself, so that the watch reads what is due
-- and nothing else.

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
comment on column task.referral is 'null: a body that was refused and not kept, under its digest';
comment on column task.grade is 'the grade by which its deadline is set';
create unique index task_open on task (referral, code, pointer)
    where state = 'open' and referral is not null;
-- The same body again, or another one under its reference, is not a second task.
create unique index task_of_refusal on task (publisher, coalesce(reference, encode(digest, 'hex')))
    where state = 'open' and referral is null;
create index task_by_reference on task (publisher, reference) where referral is null;
create index task_due on task (due_at, id) where state = 'open';
create index task_alarm on task (next_alarm_at, id) where next_alarm_at is not null;

-- Each alarm that rang, once for each planned instant, however many workers looked.
create table alarm (
    subject uuid not null,
    milestone text not null check (milestone in ('collect', 'acknowledge', 'decide', 'attend')),
    percent int not null check (percent between 1 and 100),
    planned_at timestamptz not null,
    due_at timestamptz not null,
    fired_at timestamptz not null,
    referral uuid references referral,
    delivery uuid references delivery,
    task uuid references task,
    primary key (subject, milestone, percent, planned_at),
    constraint alarm_subject check (subject = coalesce(task, delivery, referral))
);
comment on column alarm.planned_at is 'a deadline that moves has other instants, and rings anew';
create index alarm_by_time on alarm (fired_at);

-- A ladder that is being climbed: one for each breach, until a person says that they see to it. An
-- agency that acknowledges an escalation about itself is not told for a while; the police and ops
-- still are.
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
    own_acknowledged_at timestamptz,
    own_acknowledged_by text,
    own_until timestamptz,
    task uuid references task,
    check (state <> 'acknowledged' or acknowledged_by is not null),
    check (state <> 'ended' or (ended_at is not null and ended_because is not null)),
    check ((own_until is null) = (own_acknowledged_by is null))
);
comment on column escalation.own_until is
    'until when the steps that address the late agency itself are left out';
create unique index escalation_once
    on escalation (coalesce(task, delivery, referral), milestone, due_at)
    where coalesce(task, delivery, referral) is not null;
create unique index escalation_of_silence on escalation (organisation, milestone)
    where referral is null and task is null and state <> 'ended';
create index escalation_due on escalation (next_step_at, id)
    where state = 'open' and next_step_at is not null;
create index escalation_running on escalation (began_at) where state <> 'ended';
create index escalation_of_referral on escalation (referral);
create index escalation_of_delivery on escalation (delivery) where state <> 'ended';
create index escalation_of_task on escalation (task) where state <> 'ended';

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
comment on column notice.contact is 'a contact of the organisation in the directory, such as duty';
create index notice_due on notice (next_attempt_at, id) where state = 'due';
create index notice_lease on notice (lease_until) where state = 'sending';
create index notice_of_referral on notice (referral);
create index notice_of_escalation on notice (escalation) where escalation is not null;
create index notice_failed on notice (ended_at) where state = 'failed';
-- Whom nobody has reached is found without reading the history of notices.
create index notice_open on notice (id) where state in ('due', 'sending', 'failed');

-- == Who is silent, and what publishers compare ==

-- Who was there, when last, and how often an hour. Written by every process every few seconds.
create table presence (
    organisation text not null references organisation,
    activity text not null check (activity in ('sent', 'polled', 'collected', 'answered')),
    last_at timestamptz not null,
    primary key (organisation, activity)
) with (fillfactor = 70);

create table traffic (
    activity text not null check (activity in ('sent', 'polled', 'collected', 'answered')),
    hour timestamptz not null,
    organisation text not null references organisation,
    count int not null check (count > 0),
    primary key (activity, hour, organisation)
) with (fillfactor = 70);
comment on table traffic is 'counts an hour, kept for some weeks: what is usual is learned from it';

-- Why the ladder of a silence is climbed.
create table silence (
    escalation uuid primary key references escalation,
    activity text not null check (activity in ('sending', 'collecting')),
    reason text not null check (reason in ('policy', 'deadline', 'learned', 'dropped')),
    last_at timestamptz,
    counted int,
    expected real
);
comment on column silence.expected is 'how many there should have been by what was learned';

-- What a publisher's list of a day held that no referral was made of; the last word of each day.
create table reconciliation (
    publisher text not null references organisation,
    day date not null,
    at timestamptz not null,
    listed int not null check (listed >= 0),
    missing text[] not null,
    rejected text[] not null,
    primary key (publisher, day)
);
create index reconciliation_unreferred on reconciliation (day)
    where cardinality(missing) + cardinality(rejected) > 0;

-- == Pseudonyms: keyed hashes of identifiers, never the identifiers ==

-- A child in a referral whose grade is counted.
create table child_mark (
    mark bytea not null check (octet_length(mark) = 32),
    at timestamptz not null,
    referral uuid not null references referral,
    child text not null,
    grade text not null,
    nhs bytea check (octet_length(nhs) = 32),
    primary key (mark, at, referral, child)
);
comment on column child_mark.at is 'when the referral was accepted; purged after the window';
comment on column child_mark.child is 'the child''s local id in that referral';
-- Two children whose NHS numbers differ are two children, whatever else they share.
comment on column child_mark.nhs is 'the mark of the child''s NHS number, where it has one';
create index child_mark_by_time on child_mark (at);

-- Whoever counts a mark holds its row until the commit, and takes it away again: between
-- transactions this table is empty, so a crash may empty it too.
create unlogged table mark_turn (
    mark bytea primary key
);

-- Who or what is named by more than one referral, with the latest referrals in which it occurred.
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

-- == Keys for agencies' queues: public ones alone, nothing here can sign or read ==

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

-- The keys to which agencies' copies are encrypted.
create table encryption_key (
    id text primary key,
    organisation text not null,
    public_key text not null,
    created_at timestamptz not null,
    revoked_at timestamptz
);
create index encryption_key_organisation on encryption_key (organisation);

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

-- == People, and what they stop, put back and send on ==

-- People who look and act. They are never deleted: the history names them.
create table person (
    id uuid primary key,
    name text not null unique check (length(name) between 1 and 100),
    rights text[] not null
        check (rights <@ array['view', 'reveal', 'reveal-recalled', 'act', 'bulk', 'policy']
               and rights <> '{}'),
    subject text unique,
    created_at timestamptz not null,
    disabled_at timestamptz
);
comment on column person.subject is 'issuer and subject by which an OpenID provider knows them';

create table sign_in_link (
    secret_sha256 bytea primary key check (octet_length(secret_sha256) = 32),
    person uuid not null references person,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

-- What a provider's answer was good for is used up with it, whichever gateway it comes to.
create table session (
    secret_sha256 bytea primary key check (octet_length(secret_sha256) = 32),
    person uuid not null references person,
    began_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    answer_sha256 bytea unique check (octet_length(answer_sha256) = 32)
);
comment on column session.answer_sha256 is
    'the state of the provider''s answer that it began with; null: it began with a link';
create index session_of_person on session (person) where ended_at is null;

-- While it is open, nothing is offered to this organisation. Its deadlines run on.
create table stop (
    id uuid primary key,
    organisation text not null references organisation,
    reason text not null check (length(reason) between 1 and 500),
    began_at timestamptz not null,
    began_by text not null,
    ended_at timestamptz,
    ended_by text
);
comment on table stop is 'an organisation to which delivery is paused by hand';
create unique index stop_open on stop (organisation) where ended_at is null;

create view suspension as
select organisation, reason, began_at, began_by
from stop
where ended_at is null;
comment on view suspension is 'agencies to which delivery is suspended now';

-- A replay of many, or a sending on: the filter is kept here and looked at again by the server,
-- never by a page. A replay puts back; sending on looks at each delivery once, in the order of ids.
create table replay (
    id uuid primary key,
    agency text references organisation,
    cause text,
    before timestamptz not null,
    planned int not null,
    planned_at timestamptz not null,
    planned_by text not null,
    reason text check (length(reason) between 1 and 500),
    per_minute int not null check (per_minute between 1 and 6000),
    state text not null default 'planned'
        check (state in ('planned', 'running', 'paused', 'stopped', 'done')),
    done int not null default 0,
    started_at timestamptz,
    stepped_at timestamptz,
    ended_at timestamptz,
    kind text not null default 'replay' check (kind in ('replay', 'send_on')),
    receiver text references organisation,
    started_by text,
    looked_at uuid,
    failed int not null default 0,
    turns jsonb not null default '[]',
    check (state = 'planned' or reason is not null),
    constraint receiver_if_sent_on check ((kind = 'send_on') = (receiver is not null))
);
comment on column replay.before is 'only what was undeliverable when the plan was made';
comment on column replay.started_by is 'who gave the reason: the history names them for each one';
comment on column replay.looked_at is 'the last delivery of a sending on that was looked at';
comment on column replay.failed is 'how many could not be sent on, and stay where they are';
comment on column replay.turns is 'who started, paused, went on with and stopped it, and when';
create index replay_running on replay (started_at) where state = 'running';

-- == Figures ==
-- Latency and promises are counted in the transaction that changes a delivery, by triggers, so that
-- no statement can forget it. A transaction only ever adds rows of its own here; the sweep folds
-- them into minutes, hours and days. So nobody waits for anybody, and a question about 28 days
-- costs the same with a thousand deliveries or ten million.

-- Seconds. Most are a fifth above the one before, none more than 28 %, and there is one exactly on
-- every deadline that runs by the calendar: what was in time and what was not never lie in one
-- bucket. A bucket holds what is above the edge before it and not above its own.
create function latency_edges() returns double precision[]
language sql immutable parallel safe
return array[
        0.25, 0.297, 0.354, 0.42, 0.5, 0.595, 0.707, 0.841, 1, 1.19, 1.41, 1.68, 2, 2.38, 2.83,
        3.36, 4, 4.76, 5.66, 6.73, 8, 9.51, 11.3, 13.5, 16, 19, 22.6, 26.9, 32, 38.1, 45.3,
        53.8, 64, 76.1, 90.5, 108, 128, 152, 181, 215, 256, 304, 362, 431, 512, 609, 724, 861,
        900, 1020, 1220, 1450, 1720, 1800, 2050, 2440, 2900, 3600, 4100, 4870, 5790, 6890, 7200,
        8190, 9740, 11600, 14400, 16400, 19500, 23200, 27600, 28800, 32800, 39000, 46300, 55100,
        65500, 77900, 86400, 110000, 131000, 156000, 185000, 220000, 259200, 312000, 371000,
        432000, 524000, 623000, 741000, 882000, 1050000, 1250000, 1480000, 1760000, 2100000,
        2490000, 2970000
    ]::double precision[];

create function latency_bucket(took interval) returns smallint
language sql immutable parallel safe
-- Half a microsecond less, so that what took exactly as long as an edge lies below it.
return width_bucket(extract(epoch from took)::double precision - 5e-7, latency_edges());

-- How long deliveries took from their clock's start until a milestone, when it was met.
create table latency_delta (
    id bigint generated always as identity primary key,
    agency text not null,
    milestone text not null,
    minute timestamptz not null,
    bucket smallint not null,
    count int not null,
    microseconds bigint not null default 0
);

-- Most who ask want one milestone: it is read without the others.
create table latency (
    level text not null check (level in ('minute', 'hour', 'day', 'all')),
    at timestamptz not null,
    agency text not null,
    milestone text not null,
    bucket smallint not null,
    count bigint not null,
    microseconds bigint not null default 0,
    primary key (level, milestone, at, agency, bucket)
);
comment on column latency.microseconds is
    'how long they took together: the mean follows from it, however the buckets lie';

-- How many deadlines fall into a minute, were withdrawn again, and were kept.
create table promise_delta (
    id bigint generated always as identity primary key,
    agency text not null,
    milestone text not null,
    minute timestamptz not null,
    due int not null,
    withdrawn int not null,
    in_time int not null
);

create table promise (
    level text not null check (level in ('minute', 'hour', 'day', 'all')),
    at timestamptz not null,
    agency text not null,
    milestone text not null,
    due bigint not null,
    withdrawn bigint not null,
    in_time bigint not null,
    primary key (level, at, agency, milestone)
);
comment on column promise.withdrawn is 'deadlines that were moved away, or ended before their time';

-- What was folded and what was not yet, as one.
create view latency_seen as
select level, at, agency, milestone, bucket, count, microseconds from latency
union all
select level.name,
       case level.name when 'all' then 'epoch' else date_trunc(level.name, minute, 'UTC') end,
       agency, milestone, bucket, count, microseconds
from latency_delta cross join (values ('minute'), ('hour'), ('day'), ('all')) as level (name);

create view promise_seen as
select level, at, agency, milestone, due, withdrawn, in_time from promise
union all
select level.name, date_trunc(level.name, minute, 'UTC'), agency, milestone, due, withdrawn, in_time
from promise_delta cross join (values ('minute'), ('hour'), ('day')) as level (name);

create function count_new_deliveries() returns trigger language plpgsql as $$
begin
    insert into promise_delta (agency, milestone, minute, due, withdrawn, in_time)
    select agency, promised.milestone, date_trunc('minute', promised.due_at, 'UTC'), count(*), 0, 0
    from new_rows
    cross join lateral (values ('collect', collect_by), ('acknowledge', acknowledge_by),
                               ('decide', decide_by)) as promised (milestone, due_at)
    where promised.due_at is not null
    group by 1, 2, 3;
    return null;
end
$$;

create function count_changed_deliveries() returns trigger language plpgsql as $$
begin
    with changed as materialized (
        select later.agency, later.clock_start, step.*,
               owed(step.was_due_at, step.was_met_at, step.milestone, earlier.state,
                    coalesce(earlier.returned_at, earlier.recalled_at), earlier.standing,
                    earlier.paused_at) as was_owed,
               owed(step.due_at, step.met_at, step.milestone, later.state,
                    coalesce(later.returned_at, later.recalled_at), later.standing,
                    later.paused_at) as owed,
               coalesce(step.was_met_at <= step.was_due_at, false) as was_in_time,
               coalesce(step.met_at <= step.due_at, false) as in_time,
               step.was_due_at is distinct from step.due_at as moved
        from old_rows earlier
        join new_rows later using (id)
        cross join lateral (values
            ('collect', earlier.collect_by, later.collect_by, earlier.collected_at,
             later.collected_at),
            ('acknowledge', earlier.acknowledge_by, later.acknowledge_by, earlier.acknowledged_at,
             later.acknowledged_at),
            ('decide', earlier.decide_by, later.decide_by, earlier.decided_at, later.decided_at)
        ) as step (milestone, was_due_at, due_at, was_met_at, met_at)
        where (earlier.state, earlier.collect_by, earlier.acknowledge_by, earlier.decide_by,
               earlier.collected_at, earlier.acknowledged_at, earlier.decided_at,
               earlier.returned_at, earlier.recalled_at, earlier.paused_at, earlier.standing)
              is distinct from
              (later.state, later.collect_by, later.acknowledge_by, later.decide_by,
               later.collected_at, later.acknowledged_at, later.decided_at, later.returned_at,
               later.recalled_at, later.paused_at, later.standing)
    ),
    took as (
        insert into latency_delta (agency, milestone, minute, bucket, count, microseconds)
        select agency, milestone, date_trunc('minute', met_at, 'UTC'),
               latency_bucket(met_at - clock_start), count(*),
               sum(greatest(extract(epoch from met_at - clock_start), 0) * 1000000)
        from changed
        where was_met_at is null and met_at is not null
        group by 1, 2, 3, 4
    ),
    kept as (
        select agency, milestone, was_due_at as at, 0 as due,
               (was_owed and (moved or not owed))::int as withdrawn,
               -(was_in_time and (moved or not in_time))::int as in_time
        from changed
        where was_due_at is not null
        union all
        select agency, milestone, due_at, (owed and (moved or not was_owed))::int, 0,
               (in_time and (moved or not was_in_time))::int
        from changed
        where due_at is not null
    )
    insert into promise_delta (agency, milestone, minute, due, withdrawn, in_time)
    select agency, milestone, date_trunc('minute', at, 'UTC'), sum(due), sum(withdrawn),
           sum(in_time)
    from kept
    where due <> 0 or withdrawn <> 0 or in_time <> 0
    group by 1, 2, 3;
    return null;
end
$$;

create trigger delivery_counted after insert on delivery
    referencing new table as new_rows
    for each statement execute function count_new_deliveries();
create trigger delivery_recounted after update on delivery
    referencing old table as old_rows new table as new_rows
    for each statement execute function count_changed_deliveries();

-- == Workers ==

create table lead (
    name text primary key,
    holder text not null,
    until timestamptz not null
);
comment on table lead is 'which process leads the sweep, by a lease';
