-- Write into the history that a child was referred too often: codes, ids and the publisher's own
-- references.
insert into event (at, kind, publisher, referral, actor, data)
select %(now)s, 'referral.third_low', publisher, referral, %(actor)s, data::jsonb
from unnest(%(referrals)b::uuid[], %(publishers)b::text[], %(data)b::text[])
    with ordinality as row (referral, publisher, data, place)
order by place
