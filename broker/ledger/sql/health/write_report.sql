-- Write what a process has seen, in its one row, and forget what has not reported for a day. What
-- another process is deleting is left to it.
with gone as (
    delete from process_report
    where process in (select process from process_report
                      where reported_at < %(now)s::timestamptz - interval '1 day'
                        and process <> %(process)s
                      for update skip locked)
)
insert into process_report (process, part, reported_at, seen)
values (%(process)s, %(part)s, %(now)s, %(seen)s::jsonb)
on conflict (process) do update
set part = excluded.part, reported_at = excluded.reported_at, seen = excluded.seen
