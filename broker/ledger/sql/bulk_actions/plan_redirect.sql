-- Count what a redirect would take, and keep its filter; nothing is changed yet. A repeated call names
-- the plan that there is, which stays as it is.
with planned as (
    insert into replay (id, kind, receiver, agency, cause, before, planned, planned_at, planned_by,
                        per_minute)
    select %(id)s, 'send_on', %(receiver)s, %(agency)s, %(cause)s, %(now)s, count(*), %(now)s,
           %(by)s, %(per_minute)s
    from may_go_on
    where since <= %(now)s and agency <> %(receiver)s
      and (%(agency)s::text is null or agency = %(agency)s)
      and (%(cause)s::text is null or cause = %(cause)s)
    on conflict (id) do nothing
    returning id, agency, planned
)
insert into event (at, kind, agency, actor, data)
select %(now)s, 'organisation.send_on_planned', agency, %(by)s,
       jsonb_build_object('replay', id, 'planned', planned)
from planned
