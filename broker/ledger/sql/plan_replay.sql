-- Count what a replay would take, and keep its filter; nothing is changed yet.
insert into replay (id, agency, cause, before, planned, planned_at, planned_by, per_minute)
select %(id)s, %(agency)s, %(cause)s, %(now)s, count(*), %(now)s, %(by)s, %(per_minute)s
from delivery
where state = 'undeliverable' and available_at <= %(now)s
  and (%(agency)s::text is null or agency = %(agency)s)
  and (%(cause)s::text is null or refused_because = %(cause)s)
