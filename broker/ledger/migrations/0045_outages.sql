-- What shows whether the broker works: reports of its processes, and outages with their alarms.

-- What only a process itself can see, such as whether the queue service answers. Processes that have
-- not reported for a day are deleted.
create table process_report (
    process text primary key,
    part text not null,
    reported_at timestamptz not null,
    seen jsonb not null
) with (fillfactor = 70);

-- A time in which nobody swept, watched deadlines or sent alerts. One runs at most, so the gateways
-- raise one alarm between them.
create table outage (
    id uuid primary key,
    began_at timestamptz not null,
    missing text[] not null check (cardinality(missing) > 0),
    alarms int not null default 1 check (alarms > 0),
    alarmed_at timestamptz not null,
    ended_at timestamptz
);
create unique index outage_running on outage ((true)) where ended_at is null;

-- An accepted referral that is not routed yet: no agency has it, and its clock runs.
create view unrouted as
select id, publisher, effective_grade, attempt, accepted_at,
       accepted_at + interval '1 minute' as due_at
from referral
where next_attempt_at is not null and state = 'accepted';

comment on column process_report.seen is 'codes and numbers, see broker/flow/process_reports.py';
comment on column outage.alarmed_at is 'when people were last alerted; repeated while it lasts';
comment on view unrouted is 'routing is due a minute after acceptance: late after that';
