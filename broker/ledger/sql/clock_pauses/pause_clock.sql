-- Pause a delivery's pausable clocks; nothing is returned when they are paused already.
with changed as (
    update delivery
    set paused_at = %(now)s, standing = %(milestones)s::text[]
    where id = %(delivery)s and paused_at is null
      and is_unfinished(state) and state <> 'undeliverable'
      and (delivery.kind = 'recall'
               or (select stands(referral.*) from referral where referral.id = delivery.referral))
    returning id, referral, agency
),
pause_row as (
    insert into pause (id, delivery, reason, paused_at, paused_by)
    select %(id)s, id, %(reason)s, %(now)s, %(actor)s from changed
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.paused', referral.publisher, changed.referral, changed.id,
       changed.agency, %(actor)s,
       jsonb_build_object('reason', %(reason)s::text, 'milestones', %(milestones)s::text[])
from changed join referral on referral.id = changed.referral
returning delivery
