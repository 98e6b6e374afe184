-- Begin a test referral in the one row that there is, unless another was begun lately. Of several
-- gateways one gets the row: the others find it begun.
insert into synthetic_test as latest (id, begun_at)
values (%(id)s, %(now)s)
on conflict (single) do update
set id = excluded.id, begun_at = excluded.begun_at, taken_at = null, ended_at = null,
    step = null, code = null
where latest.begun_at <= %(before)s
returning id
