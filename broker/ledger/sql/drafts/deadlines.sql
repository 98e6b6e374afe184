-- The next deadline of each open delivery of a publisher's referral; none where its clock is paused.
select delivery.id, next_deadline(delivery) as due_at,
       case next_deadline(delivery)
            when unmet_deadline(delivery, 'collect') then 'collect'
            when unmet_deadline(delivery, 'acknowledge') then 'acknowledge'
            when unmet_deadline(delivery, 'decide') then 'decide' end as milestone
from delivery
join referral on referral.id = delivery.referral
where delivery.referral = %(referral)s and referral.publisher = %(publisher)s
  and is_open(delivery) and delivery.state <> 'held'
