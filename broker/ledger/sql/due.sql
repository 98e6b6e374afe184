-- What waits for a worker, seen through the partial indexes.
select exists (select from referral where next_attempt_at <= %(now)s) as route,
       array(select distinct channel
             from delivery
             where state = 'available' and channel <> 'mailbox'
               and next_attempt_at <= %(now)s
               and not exists (select from stop where stop.organisation = delivery.agency
                                                  and stop.ended_at is null)) as channels
