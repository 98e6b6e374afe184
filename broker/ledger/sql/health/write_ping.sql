-- Write the latest call of the monitor outside and its answer, in the one row that there is.
insert into outside_ping as latest (called_at, code, status, answered_at)
values (%(now)s, %(code)s, %(status)s, case when %(code)s::text is null then %(now)s end)
on conflict (single) do update
set called_at = excluded.called_at, code = excluded.code, status = excluded.status,
    answered_at = coalesce(excluded.answered_at, latest.answered_at)
