-- How long after the police first knew a referral was handed in, collected by a lead agency's software
-- and acknowledged by a person there: in bands. An agency that gave its part back does not have it.
with counted as materialized (
    select publisher, coalesce(referral.grade, '') as grade,
           coalesce(profile ->> 'unit', '') as unit, first_known_at, accepted_at,
           to_char(accepted_at at time zone 'Europe/London', 'YYYY-MM') as month,
           answered.collected_at, answered.acknowledged_at
    from referral
    left join lateral (
        select min(collected_at) as collected_at, min(acknowledged_at) as acknowledged_at
        from delivery
        where delivery.referral = referral.id and delivery.role = 'lead'
          and delivery.kind = 'referral' and delivery.state <> 'returned'
    ) answered on true
    where accepted_at >= %(since)s and accepted_at < %(until)s
      and (%(force)s::text is null or publisher = %(force)s)
),
step as (
    select publisher, unit, grade, month, what,
           case when first_known_at is null then 'first_known_not_said'
                when at is null then 'not_yet'
                else coalesce(
                    (select band
                     from unnest(%(bands)s::text[], %(lengths)s::interval[]) as row (band, length)
                     where at - first_known_at <= length
                     order by length
                     limit 1),
                    'later') end as name
    from counted
    cross join lateral (values ('handed_in', accepted_at), ('collected', collected_at),
                               ('acknowledged', acknowledged_at)) as point (what, at)
)
select publisher, unit, grade, '' as agency, month, what, name, count(*) as count
from step
group by publisher, unit, grade, month, what, name
