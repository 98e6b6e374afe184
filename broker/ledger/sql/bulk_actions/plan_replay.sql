-- Count what a replay would take, and keep its filter; nothing is changed yet. A repeated call names
-- the plan that there is, which stays as it is.
with planned as (
    insert into replay (id, agency, cause, before, planned, planned_at, planned_by, per_minute)
    select %(id)s, %(agency)s, %(cause)s, %(now)s, count(*), %(now)s, %(by)s, %(per_minute)s
    from delivery
    where state = 'undeliverable' and undeliverable_at <= %(now)s
      and (delivery.kind = 'recall'
               or (select stands(referral.*) from referral where referral.id = delivery.referral))
      and (%(agency)s::text is null or agency = %(agency)s)
      and (%(cause)s::text is null or refused_because = %(cause)s)
    on conflict (id) do nothing
    returning id, agency, planned
)
insert into event (at, kind, agency, actor, data)
select %(now)s, 'organisation.replay_planned', agency, %(by)s,
       jsonb_build_object('replay', id, 'planned', planned)
from planned
