-- A referral by its own id, a delivery's id, its publisher's reference or an event's number; the
-- latest of several.
select id
from (
    select id, 1 as rank, accepted_at from referral where id = %(id)s::uuid
    union all
    select referral, 2, null from delivery where id = %(id)s::uuid
    union all
    select id, 3, accepted_at from referral where reference = %(reference)s::text
    union all
    select referral, 4, at from event where id = %(event)s::bigint and referral is not null
    union all
    select event.referral, 4, event.at
    from organisation
    join feed on feed.publisher = organisation.code and feed.number = %(number)s::bigint
    join event on event.id = feed.event
    where event.referral is not null and %(epoch)s = (select id from present_epoch)
) found
order by rank, accepted_at desc
limit 10
