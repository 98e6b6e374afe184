-- What waits for a worker: what has been due longest, for routing and on each pushed channel. Read
-- through the partial indexes.
with push as (
    select distinct on (channel) channel, id
    from delivery
    where state = 'available' and next_attempt_at <= %(now)s
      and (delivery.kind = 'recall'
           or not exists (select from quarantine join referral on referral.accepted_at < before
                          where referral.id = delivery.referral))
      and not exists (select from suspension where suspension.organisation = delivery.agency)
    order by channel, next_attempt_at, id
)
select (select id from referral where next_attempt_at <= %(now)s
        order by next_attempt_at, id limit 1) as route,
       array(select channel from push order by channel) as channels,
       array(select id from push order by channel) as pushes
