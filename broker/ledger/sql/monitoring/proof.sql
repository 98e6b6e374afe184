-- What shows that the broker works: what came in and what came through within a time, and when each was
-- last done. Read through indexes of time, and once; of the whole history only the newest rows.
select day.accepted, day.routed, day.slowest,
       (select accepted_at from referral order by accepted_at desc, id desc limit 1)
           as last_accepted_at,
       day.last_routed_at,
       (select count(*) from notice where state = 'sent' and ended_at > %(since)s) as notices_sent,
       (select max(ended_at) from notice where state = 'sent') as last_notice_at
from (
    select count(*) as accepted, count(routed_at) as routed,
           max(routed_at - accepted_at) as slowest, max(routed_at) as last_routed_at
    from referral
    where accepted_at > %(since)s
) as day
