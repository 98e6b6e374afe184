-- Take the unroutable referrals whose next alarm is due and that nobody else holds.
with due as (
    select id
    from referral
    where next_alarm_at <= %(now)s
    order by next_alarm_at, id
    limit %(limit)s
    for no key update skip locked
)
select referral.id as referral, referral.publisher, referral.state, referral.accepted_at,
       referral.attend_by, referral.policy_version,
       (select coalesce(jsonb_agg(jsonb_build_array(milestone, percent, planned_at)), '[]')
        from alarm where subject = referral.id) as fired
from due
join referral on referral.id = due.id
order by referral.id
