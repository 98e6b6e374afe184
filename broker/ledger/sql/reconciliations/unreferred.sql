-- Which references of a list have no referral that stands, by the publisher's own reference or by
-- the occurrence's; and whether anything was handed in for them at all.
select listed.reference, found.handed_in
from unnest(%(references)b::text[], %(occurrences)b::text[])
    with ordinality as listed (reference, occurrence, place)
cross join lateral (
    select count(*) > 0 as handed_in,
           coalesce(bool_or(state <> 'rejected' and not (state = 'closed' and routed_at is null)),
                    false) as referred
    from (
        select state, routed_at
        from referral
        where referral.publisher = %(publisher)s and referral.reference = listed.reference
        union all
        select state, routed_at
        from referral
        where referral.publisher = %(publisher)s and referral.occurrence = listed.occurrence
    ) referral
) found
where not found.referred
order by listed.place
