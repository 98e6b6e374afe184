-- Write how far a process's host is from this server's clock, and forget what has not reported for
-- a day. No two processes have one name; what another one is deleting is left to it.
with gone as (
    delete from process_clock
    where process in (select process from process_clock
                      where measured_at < clock_timestamp() - interval '1 day'
                        and process <> %(process)s
                      for update skip locked)
)
insert into process_clock (process, ahead_seconds, uncertainty_seconds, bound_seconds, measured_at)
values (%(process)s, %(ahead)s, %(uncertainty)s, %(bound)s, clock_timestamp())
on conflict (process) do update
set ahead_seconds = excluded.ahead_seconds, uncertainty_seconds = excluded.uncertainty_seconds,
    bound_seconds = excluded.bound_seconds, measured_at = excluded.measured_at
