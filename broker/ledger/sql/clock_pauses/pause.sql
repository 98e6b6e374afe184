-- Let a delivery's pausable clocks stand from now on; one that stands already is not returned.
with changed as (
    update delivery
    set paused_at = %(now)s, standing = %(milestones)s::text[]
    where id = %(delivery)s and paused_at is null
      and state in ('held', 'available', 'leased', 'collected', 'acknowledged')
    returning id, referral, agency
),
kept as (
    insert into pause (id, delivery, reason, paused_at, paused_by)
    select %(id)s, id, %(reason)s, %(now)s, %(actor)s from changed
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.paused', referral.publisher, changed.referral, changed.id,
       changed.agency, %(actor)s,
       jsonb_build_object('reason', %(reason)s::text, 'milestones', %(milestones)s::text[])
from changed join referral on referral.id = changed.referral
returning delivery
