-- A referral by its own id, a delivery's id, or its publisher's reference; the latest of several.
select id
from (
    select id, 1 as rank, accepted_at from referral where id = %(id)s::uuid
    union all
    select referral, 2, null from delivery where id = %(id)s::uuid
    union all
    select referral, 3, at from event where id = %(event)s::bigint and referral is not null
    union all
    select id, 4, accepted_at from referral where reference = %(reference)s::text
) found
order by rank, accepted_at desc
limit 10
