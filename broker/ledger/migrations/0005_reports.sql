-- Reports over a stretch of time, and which calendar data a policy version counts by.

create index referral_by_time on referral (accepted_at, id);

alter table policy add column calendar_sha256 bytea check (octet_length(calendar_sha256) = 32);
alter table policy add column calendar_ends date;

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

comment on column policy.calendar_sha256 is 'of the bank holidays that its deadlines are counted by';
comment on column policy.calendar_ends is 'the last day of that calendar data';
