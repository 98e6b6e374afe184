-- Reports over a stretch of time, and which calendar data a policy version counts by.

create index referral_by_time on referral (accepted_at, id);

alter table policy add column calendar_sha256 bytea check (octet_length(calendar_sha256) = 32);
alter table policy add column calendar_ends date;

comment on column policy.calendar_sha256 is 'of the bank holidays that its deadlines are counted by';
comment on column policy.calendar_ends is 'the last day of that calendar data';
