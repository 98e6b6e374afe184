-- Children who were missing when they were referred: how many, how long after the police first knew a
-- social care agency of theirs was offered the referral, and a person there had taken it.
with child as materialized (
    select referral.id, publisher, coalesce(grade, '') as grade,
           coalesce(profile ->> 'unit', '') as unit, first_known_at,
           to_char(accepted_at at time zone 'Europe/London', 'YYYY-MM') as month, missing.child
    from referral
    cross join lateral jsonb_array_elements_text(profile -> 'missing') as missing (child)
    where accepted_at >= %(since)s and accepted_at < %(until)s
      and (%(force)s::text is null or publisher = %(force)s)
),
told as (
    select child.*, taken.shared_at, taken.acknowledged_at
    from child
    left join lateral (
        select min(available_at) as shared_at, min(acknowledged_at) as acknowledged_at
        from delivery
        join delivery_reason reason on reason.delivery = delivery.id
        join organisation on organisation.code = delivery.agency
        where delivery.referral = child.id and delivery.role = 'lead' and delivery.kind <> 'recall'
          and delivery.state not in ('held', 'undeliverable', 'returned')
          -- What was recalled before it was offered was shared with nobody.
          and (delivery.recalled_at is null or available_at < delivery.recalled_at)
          and organisation.kind in ('social-care', 'out-of-hours')
          and reason.scope -> 'children' ? child.child
    ) taken on true
),
step as (
    select publisher, unit, grade, month, what,
           case when what = 'known' then 'all'
                when at is null then 'not_yet'
                when first_known_at is null then 'first_known_not_said'
                else coalesce(
                    (select band
                     from unnest(%(bands)s::text[], %(lengths)s::interval[]) as row (band, length)
                     where at - first_known_at <= length
                     order by length
                     limit 1),
                    'later') end as name
    from told
    cross join lateral (values ('known', null), ('shared', shared_at),
                               ('acknowledged', acknowledged_at)) as point (what, at)
)
select publisher, unit, grade, '' as agency, month, what, name, count(*) as count
from step
group by publisher, unit, grade, month, what, name
