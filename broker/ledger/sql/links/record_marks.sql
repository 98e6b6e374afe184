-- Note in which referrals each mark occurred, and return the referrals that share one, both ways.
-- The insert waits for another transaction with the same mark, so that none is missed; the marks are
-- taken in their order, so that no two wait for each other. A mark keeps its latest referrals alone.
with incoming as (
    select mark, array_agg(distinct referral) as referrals, max(at) as at
    from unnest(%(marks)b::bytea[], %(referrals)b::uuid[], %(ats)b::timestamptz[])
        as row (mark, referral, at)
    group by mark
),
written as (
    insert into link_mark (mark, at, referrals)
    select mark, at, referrals[1:%(most)s] from incoming order by mark
    on conflict (mark) do update
    set at = greatest(link_mark.at, excluded.at),
        referrals = case
            when link_mark.at < excluded.at - %(window)s::interval then excluded.referrals
            else (excluded.referrals
                  || array(select earlier
                           from unnest(link_mark.referrals) as earlier
                           where earlier <> all(excluded.referrals)))[1:%(most)s]
        end
    returning referrals
)
select distinct own.referral, other.referral as other
from written
cross join unnest(referrals) as own (referral)
cross join unnest(referrals) as other (referral)
where cardinality(referrals) > 1 and own.referral <> other.referral
  and (own.referral = any(%(ids)s::uuid[]) or other.referral = any(%(ids)s::uuid[]))
order by own.referral, other.referral
