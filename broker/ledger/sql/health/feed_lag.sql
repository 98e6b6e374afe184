-- For how many seconds events have waited that no feed shows yet, because a transaction that began
-- before still writes. The newest events alone are read: what a feed holds back is among them.
select coalesce(extract(epoch from %(now)s::timestamptz - min(at)), 0)::float8 as seconds
from (select at, transaction from event order by id desc limit 1000) latest
where transaction >= pg_snapshot_xmin(pg_current_snapshot())
