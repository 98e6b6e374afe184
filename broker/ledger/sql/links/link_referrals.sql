-- Link referrals that name the same person, account, report, file or address, each pair once, with a
-- warning and an event for both publishers. The other's id is given only to who handed in both.
with pairs as (
    select * from unnest(%(referrals)b::uuid[], %(others)b::uuid[]) as row (referral, other)
),
fresh as (
    insert into referral_link (referral, other, at)
    select referral, other, %(now)s from pairs order by referral, other
    on conflict do nothing
    returning referral, other
),
warned as (
    insert into referral_finding (referral, warnings)
    -- Not the others' without need: another transaction may be routing them.
    select distinct referral, %(warning)s::jsonb
    from pairs
    where referral = any(%(ids)s::uuid[]) or (referral, other) in (select referral, other from fresh)
    on conflict (referral) do update
    set warnings = referral_finding.warnings || excluded.warnings
    where not referral_finding.warnings @> '[{"code": "linked-referral"}]'
)
insert into event (at, kind, publisher, referral, actor, data)
select %(now)s, 'referral.linked', referral.publisher, referral.id, %(actor)s,
       jsonb_build_object('same_publisher', other.publisher = referral.publisher,
                          'other', case when other.publisher = referral.publisher
                                        then other.id end)
from fresh
join referral on referral.id = fresh.referral
join referral other on other.id = fresh.other
order by referral.id, other.id
