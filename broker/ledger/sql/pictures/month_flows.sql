-- How many deliveries went from each police force to each agency, of the referrals accepted in a span of
-- time: those with the most by name, all others together, so that the answer has a bound. Corrections and
-- recalls follow a delivery and are not counted again; what went on to another agency counts at both.
with flow as (
    select referral.publisher, delivery.agency, count(*) as count
    from referral
    join delivery on delivery.referral = referral.id
    where referral.accepted_at >= %(since)s and referral.accepted_at < %(until)s
      and delivery.kind = 'referral'
    group by referral.publisher, delivery.agency
),
publisher as (
    select publisher from flow group by publisher order by sum(count) desc, publisher
    limit %(publishers)s
),
agency as (
    select agency from flow group by agency order by sum(count) desc, agency limit %(agencies)s
)
select publisher.publisher, agency.agency, sum(flow.count)::bigint as count,
       (select count(distinct each.publisher) from flow each) as publishers,
       (select count(distinct each.agency) from flow each) as agencies
from flow
left join publisher on publisher.publisher = flow.publisher
left join agency on agency.agency = flow.agency
group by publisher.publisher, agency.agency
order by count desc, publisher.publisher, agency.agency
