-- From which acceptance on referrals are offered: what is older is kept back while a restore waits to
-- be confirmed. Always one row, so that a statement reads it once and not for each delivery.
create view offered_since as
select coalesce((select before from quarantine), '-infinity'::timestamptz) as since;
