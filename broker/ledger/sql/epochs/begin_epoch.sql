-- Begin an epoch. What was committed a minute before the last event or later may be missing.
insert into epoch (id, reason, began_at, began_by, last_number, restored_to)
select 'e' || left(replace(gen_random_uuid()::text, '-', ''), 9), %(reason)s,
       coalesce(%(now)s::timestamptz, now()), %(by)s, feed_position.last_number,
       coalesce(%(restored_to)s::timestamptz,
                (select max(at) - interval '1 minute'
                 from (select at from event order by id desc limit 100) latest),
                %(now)s::timestamptz, now())
from feed_position
returning id
