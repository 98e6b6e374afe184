-- End one team's part, from the state in which it was judged: another one has it now. A lease on it
-- is lost. What was decided or returned stays so. Corrections of it end too, because the other team
-- gets the latest version. The referral is locked.
with handed_over as (
    update delivery
    set state = case when delivery.state in ('decided', 'returned') then delivery.state
                     else 'handed_over' end,
        returned_at = case when delivery.state = 'decided' then delivery.returned_at
                           else coalesce(delivery.returned_at, %(now)s::timestamptz) end,
        sent_on_at = %(now)s, lease_until = null, next_attempt_at = null, next_alarm_at = null,
        hand_over_at = null
    where id = %(delivery)s and delivery.state = %(before)s and sent_on_at is null
      and (select stands(referral.*) from referral where referral.id = delivery.referral)
    returning id, referral, agency, policy_row, stands_in_for
),
corrections as (
    update delivery
    set state = 'handed_over', returned_at = %(now)s, sent_on_at = %(now)s, lease_until = null,
        next_attempt_at = null, next_alarm_at = null
    from handed_over
    where delivery.referral = handed_over.referral and delivery.agency = handed_over.agency
      and delivery.policy_row = handed_over.policy_row and delivery.kind = 'correction'
      and is_of_office(delivery.stands_in_for, handed_over.stands_in_for)
      and is_unfinished(delivery.state) and delivery.state <> 'held'
    returning delivery.id, delivery.referral, delivery.agency
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.handed_over', referral.publisher, referral.id, step.id, step.agency,
       'broker', jsonb_build_object('to', %(to)s::uuid, 'to_agency', %(to_agency)s::text)
from (select 1 as place, id, referral, agency from handed_over
      union all
      select 2, id, referral, agency from corrections) step
join referral on referral.id = step.referral
order by step.place, step.id
returning delivery
