-- What waits in the broker itself, each figure read through an index of what waits.
select (select count(*) from referral where next_attempt_at is not null) as inbox,
       (select min(accepted_at) from unrouted) as inbox_oldest_at,
       (select count(*) from delivery where state = 'available' and is_pushed(channel)
                                        and next_attempt_at > %(now)s) as retries,
       -- The condition lets the index of pushed deliveries be used: a null is no least instant anyway.
       (select min(next_attempt_at) from delivery where state = 'available'
                                                    and next_attempt_at is not null
                                                    and is_pushed(channel)) as next_retry_at,
       (select count(*) from referral where state = 'unroutable') as unroutable,
       (select count(*) from escalation where state = 'open') as escalations,
       (select count(*) from notice where state = 'due') as notices_due,
       (select count(*) from notice where state = 'failed'
                                      and ended_at > %(now)s::timestamptz - interval '1 day')
           as notices_failed,
       (select count(*) from notice where state = 'due' and attempt > 0) as notices_deferred,
       (select count(*) from lead where starts_with(name, 'worker ') and until > %(now)s) as workers,
       (select until from lead where name = 'sweep') as sweep_until,
       (select holder from lead where name = 'sweep') as sweeper,
       (select count(*) from process_report
        where part = 'gateway' and reported_at > %(now)s::timestamptz - interval '1 minute')
           as gateways
