-- What no agency will deal with, earliest deadline first.
select *
from (
    select 'unroutable' as kind, id as referral, reference, publisher, null::uuid as delivery,
           null::text as agency, reason, accepted_at as since, attend_by as due_at,
           effective_grade
    from referral
    where state = 'unroutable'
    union all
    select delivery.state, delivery.referral, referral.reference, referral.publisher, delivery.id,
           delivery.agency,
           coalesce(answer.reason, delivery.refused_because),
           coalesce(delivery.returned_at, delivery.undeliverable_at),
           coalesce(delivery.acknowledge_by, delivery.decide_by), referral.effective_grade
    from delivery
    join referral on referral.id = delivery.referral
    left join answer on answer.delivery = delivery.id and answer.stage = 'returned'
    where delivery.state in ('returned', 'undeliverable') and delivery.sent_on_at is null
      and not (delivery.state = 'returned' and referral.recalled_at is not null)
    union all
    -- What no time releases but a person.
    select delivery.state, delivery.referral, referral.reference, referral.publisher, delivery.id,
           delivery.agency, 'awaits_release', referral.accepted_at,
           coalesce(delivery.acknowledge_by, delivery.decide_by), referral.effective_grade
    from delivery
    join referral on referral.id = delivery.referral
    where delivery.state = 'held' and delivery.available_at = %(never)s and stands(referral.*)
) waiting
order by due_at nulls last, since
limit %(limit)s
