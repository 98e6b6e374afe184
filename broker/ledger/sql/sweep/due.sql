-- What waits for a worker, seen through the partial indexes: what has been due longest, for routing
-- and on each pushed channel.
with push as (
    select distinct on (channel) channel, id
    from delivery
    where state = 'available' and channel <> 'mailbox' and next_attempt_at <= %(now)s
      and not exists (select from stop where stop.organisation = delivery.agency
                                         and stop.ended_at is null)
    order by channel, next_attempt_at, id
)
select (select id from referral where next_attempt_at <= %(now)s
        order by next_attempt_at, id limit 1) as route,
       array(select channel from push order by channel) as channels,
       array(select id from push order by channel) as pushes
