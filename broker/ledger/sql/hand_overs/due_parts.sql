-- Lock the deliveries of these referrals of which it is due to look whether another team has them
-- now. Their referrals are locked before, so this statement sees what the last holder made of them.
select delivery.id, delivery.referral, delivery.agency, delivery.policy_row as row, delivery.state,
       delivery.stands_in_for as office, delivery.paused_at is not null as is_paused,
       referral.publisher, referral.effective_grade as grade,
       stands(referral.*) and delivery.sent_on_at is null
           and not exists (select from delivery recall
                           where recall.referral = delivery.referral and recall.kind = 'recall'
                             and recall.agency = delivery.agency
                             and recall.policy_row = delivery.policy_row
                             and is_of_office(recall.stands_in_for, delivery.stands_in_for)
                             and recall.id > delivery.id) as stands,
       (select reason from answer
        where answer.delivery = delivery.id and answer.stage = 'returned') as return_reason
from delivery
join referral on referral.id = delivery.referral
where delivery.referral = any(%(referrals)s::uuid[]) and delivery.hand_over_at <= %(now)s
order by delivery.id
for no key update of delivery
