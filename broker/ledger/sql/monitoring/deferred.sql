-- What could not be sent and is tried again, by channel and the reason of the last time.
select channel, deferred_because as code, count(*) as count
from delivery
where state = 'available' and next_attempt_at is not null and deferred_because is not null
group by channel, deferred_because
order by channel, code
