-- What shows that the broker works: what came in and what came through within a time, and when each was
-- last done. Read through indexes of time; of the whole history only the newest rows are looked at.
select (select count(*) from referral where accepted_at > %(since)s) as accepted,
       (select count(*) from referral
        where accepted_at > %(since)s and routed_at is not null) as routed,
       (select max(routed_at - accepted_at) from referral
        where accepted_at > %(since)s and routed_at is not null) as slowest,
       (select accepted_at from referral order by accepted_at desc, id desc limit 1)
           as last_accepted_at,
       (select max(routed_at) from referral where accepted_at > %(since)s) as last_routed_at,
       (select count(*) from notice where state = 'sent' and ended_at > %(since)s) as notices_sent,
       (select max(ended_at) from notice where state = 'sent') as last_notice_at
