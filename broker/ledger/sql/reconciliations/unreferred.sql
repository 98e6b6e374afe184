-- Which references of a list have no valid referral, by the publisher's own reference or by the
-- occurrence's; and whether anything was submitted for them at all.
select listed.reference, matched.submitted
from unnest(%(references)b::text[], %(occurrences)b::text[])
    with ordinality as listed (reference, occurrence, place)
cross join lateral (
    select count(*) > 0 as submitted,
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
) matched
where not matched.referred
order by listed.place
