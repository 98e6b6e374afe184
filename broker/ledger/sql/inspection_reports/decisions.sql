-- Decided deliveries of the referrals that were accepted in a stretch of time: the outcome that stands,
-- whether it was another one before, whether the child was heard and told. What a team says after it
-- handed over changes nothing, and is not counted.
with counted as materialized (
    select referral.publisher, coalesce(referral.grade, '') as grade, delivery.agency,
           coalesce(profile ->> 'unit', '') as unit,
           to_char(referral.accepted_at at time zone 'Europe/London', 'YYYY-MM') as month,
           last.outcome, coalesce(last.views_considered, 'not_said') as views_considered,
           coalesce(last.child_told, 'not_said') as child_told,
           exists (select from answer earlier
                   where earlier.delivery = delivery.id and earlier.stage = 'decided'
                     and earlier.at <= coalesce(delivery.sent_on_at, 'infinity')
                     and earlier.outcome is distinct from last.outcome) as changed
    from referral
    join delivery on delivery.referral = referral.id and delivery.kind <> 'recall'
    join lateral (
        select outcome, views_considered, child_told
        from answer
        where answer.delivery = delivery.id and answer.stage = 'decided'
          and answer.at <= coalesce(delivery.sent_on_at, 'infinity')
        order by number desc
        limit 1
    ) last on true
    where accepted_at >= %(since)s and accepted_at < %(until)s
      and delivery.decided_at is not null
      and (%(force)s::text is null or publisher = %(force)s)
),
fact as (
    select publisher, unit, grade, agency, month, what, name
    from counted
    cross join lateral (values ('outcome', outcome),
                               ('changed', case when changed then 'yes' else 'no' end),
                               ('views_considered', views_considered),
                               ('child_told', child_told)) as said (what, name)
)
select publisher, unit, grade, agency as agency, month, what, name, count(*) as count
from fact
group by publisher, unit, grade, agency, month, what, name
