-- Write what a process has seen, in its one row.
insert into process_report (process, part, reported_at, seen)
values (%(process)s, %(part)s, %(now)s, %(seen)s::jsonb)
on conflict (process) do update
set part = excluded.part, reported_at = excluded.reported_at, seen = excluded.seen
