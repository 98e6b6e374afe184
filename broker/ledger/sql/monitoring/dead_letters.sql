-- What cannot be delivered, by cause and agency.
select refused_because as cause, agency, count(*) as count, min(available_at) as oldest_at,
       max(available_at) as latest_at, min(least(acknowledge_by, decide_by)) as next_due_at
from delivery
where state = 'undeliverable' and (%(agency)s::text is null or agency = %(agency)s)
group by refused_because, agency
order by next_due_at nulls last, cause, agency
