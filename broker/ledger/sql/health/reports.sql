-- What each process has last seen that has reported since an instant.
select process, part, reported_at, seen
from process_report
where reported_at > %(since)s
order by process
