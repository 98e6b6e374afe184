-- Resume a delivery's clocks under the deadlines that were counted anew; the pause that was read must
-- still be the one that is written.
with changed as (
    update delivery
    set paused_at = null, standing = '{}', next_alarm_at = %(now)s, collect_by = %(collect_by)s,
        acknowledge_by = %(acknowledge_by)s, decide_by = %(decide_by)s,
        -- An office may have opened or closed meanwhile, and a part changes hands only while it runs.
        hand_over_at = case when hand_over_at is not null then %(now)s::timestamptz end
    where id = %(delivery)s and paused_at = %(paused_at)s
      and (delivery.kind = 'recall'
               or (select stands(referral.*) from referral where referral.id = delivery.referral))
    returning id, referral, agency
),
ended as (
    update pause
    set resumed_at = %(now)s, resumed_by = %(actor)s
    from changed
    where pause.delivery = changed.id and pause.resumed_at is null
),
reasons as (
    update delivery_reason
    set explanation = %(explanation)s::jsonb
    from changed
    where delivery_reason.delivery = changed.id
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.resumed', referral.publisher, changed.referral, changed.id,
       changed.agency, %(actor)s,
       jsonb_strip_nulls(jsonb_build_object('because', %(because)s::text))
           || jsonb_build_object('paused_at', %(paused_at)s::timestamptz,
                                 'deadlines', %(moved)s::jsonb)
from changed join referral on referral.id = changed.referral
returning delivery
