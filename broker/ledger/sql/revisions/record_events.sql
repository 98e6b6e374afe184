-- Write into the history what a decision about a new version changed.
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, kind, publisher, referral, delivery, agency, %(actor)s, data::jsonb
from unnest(%(kinds)b::text[], %(publishers)b::text[], %(referrals)b::uuid[],
            %(deliveries)b::uuid[], %(agencies)b::text[], %(data)b::text[])
    with ordinality
    as row (kind, publisher, referral, delivery, agency, data, place)
order by place
